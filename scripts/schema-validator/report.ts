import { printable } from '../../etl/text/printable.ts'
import { aligned } from '../../etl/text/table.ts'
import { count, thousands } from '../../etl/text/wording.ts'

/**
 * What a validation found, as plain data: `--json` prints it as it is, renderReport makes text for people of it,
 * the migration gate looks at `valid`.
 */

export type Level = 'ok' | 'warning' | 'error'

export interface Finding {
  level: Level
  /** A stable name of the check, for programs. */
  check: string
  /** What it is about, quoted as in SQL; absent where the finding is about all of them. */
  subject?: string
  message: string
  /** What to run to see more. */
  statement?: string
}

export interface Section {
  name: SectionName
  /** The worst of its findings. */
  level: Level
  findings: Finding[]
}

type SectionName =
  | 'connectivity'
  | 'completeness'
  | 'structure'
  | 'indexes'
  | 'constraints'
  | 'referential integrity'

export interface RowCount {
  rows: number
  /** True where `rows` is the planner's estimate and not a count. */
  estimated: boolean
}

/** One table; its partitions are part of it. */
export interface TableSummary {
  table: string
  columns: { name: string; type: string; nullable: boolean }[]
  primaryKey: string[] | null
  foreignKeys: { name: string; columns: string[]; references: string; referencedColumns: string[] }[]
  unique: number
  notNull: number
  checks: number
  exclusions: number
  indexes: number
  /** Null for a table that is not partitioned. */
  partitions: number | null
  /** Null where the rows could not be counted; a finding says why. */
  rowCount: RowCount | null
  notes: string[]
}

export interface SchemaReport {
  /** No finding is an error. Warnings are allowed. */
  valid: boolean
  errors: number
  warnings: number
  /** Null where there was no connection. */
  database: { database: string; role: string; serverVersion: string; schemas: string[] } | null
  sections: Section[]
  tables: TableSummary[]
}

export function section(name: SectionName, findings: Finding[]): Section {
  return { name, level: worst(findings), findings }
}

export function assembleReport(
  database: SchemaReport['database'],
  sections: Section[],
  tables: TableSummary[],
): SchemaReport {
  const findings = sections.flatMap((part) => part.findings)
  const errors = findings.filter((finding) => finding.level === 'error').length
  const warnings = findings.filter((finding) => finding.level === 'warning').length
  return { valid: errors === 0, errors, warnings, database, sections, tables }
}

/** The whole report where there was no connection. `target` names the database, never its password. */
export const unreachableReport = (target: string, reason: string): SchemaReport =>
  assembleReport(null, [section('connectivity', [failure('connection', target, reason)])], [])

function worst(findings: Finding[]): Level {
  if (findings.some((finding) => finding.level === 'error')) return 'error'
  return findings.some((finding) => finding.level === 'warning') ? 'warning' : 'ok'
}

export const ok = (check: string, message: string): Finding => ({ level: 'ok', check, message })

/** What was found, or that all is well. */
export const orOk = (found: Finding[], check: string, message: string): Finding[] =>
  found.length > 0 ? found : [ok(check, message)]

/** That something is well, where there is anything to say it of. */
export const okIf = (any: boolean, check: string, message: string): Finding[] =>
  any ? [ok(check, message)] : []

const about =
  (level: Level) =>
  (check: string, subject: string, message: string): Finding => ({
    level,
    check,
    subject,
    message,
  })
export const warning = about('warning')
export const failure = about('error')

/** The first few names and how many more there are, so that a line stays a line. */
export function list(names: string[], most = 6): string {
  if (names.length <= most) return names.join(', ')
  return `${names.slice(0, most).join(', ')} and ${thousands(names.length - most)} more`
}

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
