import { html, nothing, type Html } from './html.ts'

type Query = Readonly<Record<string, string | number | undefined>>

/** A path with a query; what is undefined or empty is left out. */
export function link(path: string, query: Query): string {
  const set = Object.entries(query).filter(([, value]) => value !== undefined && value !== '')
  if (set.length === 0) return path
  return `${path}?${new URLSearchParams(set.map(([name, value]): [string, string] => [name, String(value)])).toString()}`
}

/**
 * Links to the newest and to the next older page, of a list that is paged by its last element.
 *
 * @param next what the older page is asked for with, as `before`; null where there is none.
 */
export function olderNewer(path: string, query: Query, paged: boolean, next: string | number | null): Html {
  if (!paged && next === null) return nothing
  return html`<nav class="paging" aria-label="Pages of the list">
    ${paged ? html`<a href="${link(path, query)}">Newest</a>` : nothing}
    ${next === null ? html`<span class="hint">No older ones.</span>` : html`<a rel="next" href="${link(path, { ...query, before: next })}">Older</a>`}
  </nav>`
}

/** One of few views of a page. */
export function choice(
  label: string,
  options: readonly { name: string; href: string; chosen: boolean }[],
): Html {
  return html`<nav class="choice" aria-label="${label}">
    ${options.map(
      ({ name, href, chosen }) =>
        html`<a href="${href}" ${chosen ? html`aria-current="true"` : nothing}>${name}</a>`,
    )}
  </nav>`
}
