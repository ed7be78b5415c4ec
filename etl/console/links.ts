import { html, nothing, type Html } from './html.ts'

/** What stands after the path, by name. */
type Query = Readonly<Record<string, string | number | undefined>>

/** A path with a query; what is undefined or empty is left out. */
export function link(path: string, query: Query): string {
  const set = Object.entries(query).filter(([, value]) => value !== undefined && value !== '')
  if (set.length === 0) return path
  return `${path}?${new URLSearchParams(set.map(([name, value]): [string, string] => [name, String(value)])).toString()}`
}

/** Links to the newest and to the next older page, of a list that is paged by its last element. */
export function olderNewer(path: string, query: Query, paged: boolean, next: Query | undefined): Html {
  if (!paged && next === undefined) return nothing
  return html`<nav class="paging" aria-label="Pages of the list">
    ${paged ? html`<a href="${link(path, query)}">Newest</a>` : nothing}
    ${next === undefined ? html`<span class="hint">No older ones.</span>` : html`<a rel="next" href="${link(path, { ...query, ...next })}">Older</a>`}
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
