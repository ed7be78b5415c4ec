import { html, type Html } from './html.ts'

/** What is known of one thing, by name; what is undefined is left out. */
export function factList(
  facts: readonly (readonly [name: Html | string, value: Html | string | undefined])[],
): Html {
  return html`<dl class="facts">
    ${facts
      .filter(([, value]) => value !== undefined)
      .map(
        ([name, value]) =>
          html`<div>
            <dt>${name}</dt>
            <dd>${value}</dd>
          </div>`,
      )}
  </dl>`
}
