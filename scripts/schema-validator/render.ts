import { printable } from '../../etl/text/printable.ts'
import { aligned } from '../../etl/text/table.ts'
import { type Finding, type Level, type SchemaReport, type Section, type TableSummary } from './report.ts'
import { count, thousands } from '../../etl/text/wording.ts'

const MARK: Record<Level, string> = { ok: '✅', warning: '⚠️', error: '❌' }

/**
 * The report for people: the tables, then the sections, then the verdict, where a terminal stops. With `details` also every
 * column with its type, and every foreign key.
 */
export function renderReport(report: SchemaReport, { details = false } = {}): string {
  if (report.database === null) return renderUnreachable(report)
  const blocks = [
    ...(report.tables.length > 0 ? [renderTables(report.tables)] : []),
    ...(details ? report.tables.map(renderDetails) : []),
    ...report.sections.filter(({ findings }) => findings.length > 0).map(renderSection),
    [renderVerdict(report)],
  ]
  return blocks.map((lines) => lines.map(printable).join('\n')).join('\n\n')
}

function renderUnreachable({ sections }: SchemaReport): string {
  return sections
    .flatMap(({ findings }) => findings)
    .map(({ subject, message }) => printable(`${MARK.error} Can't connect to ${subject}: ${message}`))
    .join('\n')
}

function renderVerdict({ valid, errors, warnings }: SchemaReport): string {
  const counts = `${count(errors, 'error')}, ${count(warnings, 'warning')}`
  return valid
    ? `${MARK[warnings > 0 ? 'warning' : 'ok']} The schema is valid: ${counts}`
    : `${MARK.error} The schema is not valid: ${counts}`
}

function renderSection({ name, findings }: Section): string[] {
  return [`${name[0]!.toUpperCase()}${name.slice(1)}`, ...findings.flatMap(renderFinding)]
}

function renderFinding({ level, subject, message, statement }: Finding): string[] {
  const line = `  ${MARK[level]} ${subject === undefined ? '' : `${subject}: `}${message}`
  return statement === undefined ? [line] : [`${line}:`, `     ${statement}`]
}

const COLUMNS: [heading: string, cell: (table: TableSummary) => string | number][] = [
  ['Table', ({ table }) => table],
  ['Rows', renderRows],
  ['Columns', ({ columns }) => columns.length],
  ['Not null', ({ notNull }) => notNull],
  ['Unique', ({ unique }) => unique],
  ['Checks', ({ checks }) => checks],
  ['FKs', ({ foreignKeys }) => foreignKeys.length],
  ['Indexes', ({ indexes }) => indexes],
  ['Primary key', ({ primaryKey }) => (primaryKey === null ? 'none' : `(${primaryKey.join(', ')})`)],
  ['Notes', ({ notes }) => notes.join(', ')],
]
const TEXTS = new Set(['Table', 'Primary key', 'Notes'])

function renderTables(tables: TableSummary[]): string[] {
  const rows = tables.map((table) => COLUMNS.map(([, cell]) => String(cell(table))))
  const headings = COLUMNS.map(([heading]) => heading)
  return aligned([headings, ...rows], (column) => !TEXTS.has(headings[column]!))
}

function renderRows({ rowCount }: TableSummary): string {
  if (rowCount === null) return '?'
  return `${rowCount.estimated ? '~' : ''}${thousands(rowCount.rows)}`
}

function renderDetails({ table, columns, foreignKeys }: TableSummary): string[] {
  const width = Math.max(0, ...columns.map(({ name }) => name.length))
  return [
    table,
    ...columns.map(
      ({ name, type, nullable }) => `  ${name.padEnd(width)}  ${type}${nullable ? '' : ' not null'}`,
    ),
    ...foreignKeys.map(
      (key) =>
        `  ${key.name}: (${key.columns.join(', ')}) → ${key.references} (${key.referencedColumns.join(', ')})`,
    ),
  ]
}
