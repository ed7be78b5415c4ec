import { thousands } from '../text/wording.ts'
import { html, nothing, type Html } from './html.ts'

export interface Column<Row> {
  readonly heading: string
  /** A number stands to the right, in digits of one width; null is a dash. */
  readonly of: (row: Row) => Html | string | number | null
  /** Numbers that are text, such as money. */
  readonly right?: boolean
  /** Long text: it may take the room that is left, and wraps. */
  readonly wide?: boolean
}

interface TableOptions {
  readonly caption: string
  /** For those who see the page a heading says it already. */
  readonly hideCaption?: boolean
  /** What is said where there is no row. */
  readonly none: Html | string
  /** A row's id in the page, to link to. */
  readonly id?: (index: number) => string
}

/**
 * A table; the first column names the row. On a narrow screen each row becomes a card, hence the explicit
 * roles: without them, browsers forget that it is a table.
 */
export function table<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  { caption, hideCaption = false, none, id }: TableOptions,
): Html {
  if (rows.length === 0) return html`<p class="none">${none}</p>`
  return html`<div class="scroll" role="group" aria-label="${caption}" tabindex="0">
    <table role="table">
      <caption class="${hideCaption ? 'visually-hidden' : ''}">
        ${caption}
      </caption>
      <thead role="rowgroup">
        <tr role="row">
          ${columns.map(
            ({ heading, right }) =>
              html`<th scope="col" role="columnheader" class="${right === true ? 'number' : ''}">
                ${heading}
              </th>`,
          )}
        </tr>
      </thead>
      <tbody role="rowgroup">
        ${rows.map(
          (row, index) =>
            html`<tr role="row" ${id === undefined ? nothing : html`id="${id(index)}"`}>
              ${columns.map((column, place) => cell(column, row, place === 0))}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`
}

function cell<Row>(
  { heading, of, right = false, wide = false }: Column<Row>,
  row: Row,
  first: boolean,
): Html {
  const value = of(row)
  const blank = value === null || value === ''
  const shown = value === null ? '–' : typeof value === 'number' ? thousands(value) : value
  const classes = [
    right || typeof value === 'number' ? 'number' : '',
    wide ? 'wide' : '',
    blank ? 'blank' : '',
  ]
    .filter((name) => name !== '')
    .join(' ')
  return first
    ? html`<th scope="row" role="rowheader" data-label="${heading}" class="${classes}">${shown}</th>`
    : html`<td role="cell" data-label="${heading}" class="${classes}"><span>${shown}</span></td>`
}

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
