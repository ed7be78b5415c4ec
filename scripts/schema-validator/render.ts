import { printable } from '../../etl/text/printable.ts'
import { aligned } from '../../etl/text/table.ts'
import {
  count,
  type Finding,
  type Level,
  type SchemaReport,
  type Section,
  type TableSummary,
} from './report.ts'
import { thousands } from '../../etl/text/wording.ts'

const MARK: Record<Level, string> = { ok: '✅', warning: '⚠️', error: '❌' }

export interface RenderOptions {
  /** Also every column with its type, and every foreign key. */
  details?: boolean
}

/** The report for people: the tables, then the sections, then the verdict, where a terminal stops. */
export function renderReport(report: SchemaReport, { details = false }: RenderOptions = {}): string {
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

const HEADINGS = [
  'Table',
  'Rows',
  'Columns',
  'Not null',
  'Unique',
  'Checks',
  'FKs',
  'Indexes',
  'Primary key',
  'Notes',
]
const NUMBERS = new Set(['Rows', 'Columns', 'Not null', 'Unique', 'Checks', 'FKs', 'Indexes'])

function renderTables(tables: TableSummary[]): string[] {
  return aligned([HEADINGS, ...tables.map(cells)], (column) => NUMBERS.has(HEADINGS[column]!))
}

function cells(table: TableSummary): string[] {
  return [
    table.table,
    renderRows(table),
    ...[
      table.columns.length,
      table.notNull,
      table.unique,
      table.checks,
      table.foreignKeys.length,
      table.indexes,
    ].map(String),
    table.primaryKey === null ? 'none' : `(${table.primaryKey.join(', ')})`,
    table.notes.join(', '),
  ]
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
