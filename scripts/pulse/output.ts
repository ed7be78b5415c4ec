import { aligned } from '../../etl/text/table.ts'
import { printable, printableJson } from '../../etl/text/printable.ts'
import { thousands } from '../../etl/text/wording.ts'

export type Cell = string | number | Date | null

/** A column of a table: its heading and what it shows of a row. */
export interface Column<Row> {
  readonly heading: string
  readonly of: (row: Row) => Cell
}

/**
 * Prints rows as JSON, as a table where a person looks at a terminal, or else tab-separated, whole and with
 * plain numbers, for other programs.
 */
export function printRows<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  { json, none }: { json: boolean; none: string },
): void {
  if (json) printJson(rows)
  else if (!process.stdout.isTTY)
    print([columns.map(({ heading }) => heading).join('\t'), ...rows.map(tabbed)].join('\n'))
  else if (rows.length === 0) print(none)
  else print(table(rows, columns, process.stdout.columns).join('\n'))

  function tabbed(row: Row): string {
    return columns.map(({ of }) => plain(of(row))).join('\t')
  }
}

export function print(text: string): void {
  console.log(text)
}

export function printJson(value: unknown, indent: number | undefined = 2): void {
  console.log(printableJson(value, indent))
}

/** Lines of a table: numbers to the right, the last column cut where the terminal ends. */
export function table<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  width = Infinity,
): string[] {
  const cells = rows.map((row) => columns.map(({ of }) => of(row)))
  const lines = [columns.map(({ heading }) => heading), ...cells.map((line) => line.map(shown))]
  const isNumber = columns.map((_, i) => cells.some((line) => typeof line[i] === 'number'))
  return aligned(lines, (column) => isNumber[column] === true).map((text) =>
    text.length > width ? `${text.slice(0, width - 1)}…` : text,
  )
}

/** For a person: 20,000 and 2026-11-21T10:24:04Z. */
function shown(cell: Cell): string {
  if (cell === null || cell === '') return '-'
  if (typeof cell === 'number') return thousands(cell)
  return cell instanceof Date ? second(cell) : printable(cell)
}

function plain(cell: Cell): string {
  if (cell === null) return ''
  return cell instanceof Date ? cell.toISOString() : printable(String(cell))
}

/** ISO 8601 in UTC, to the second. */
export const second = (at: Date): string => `${at.toISOString().slice(0, 19)}Z`
