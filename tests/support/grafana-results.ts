import type { Pool, QueryResult } from 'pg'
import type { PanelFile } from './grafana-files.ts'
import { failures, repeated } from './grafana-rules.ts'

type Row = Record<string, unknown>

/** Postgres' type ids by what Grafana makes of them. */
const KINDS: Readonly<Record<number, 'number' | 'text' | 'time'>> = {
  20: 'number',
  21: 'number',
  23: 'number',
  700: 'number',
  701: 'number',
  1700: 'number',
  25: 'text',
  1043: 'text',
  1184: 'time',
}

export interface Result {
  readonly columns: { readonly name: string; readonly kind: 'number' | 'text' | 'time' }[]
  readonly rows: Row[]
}

/** @throws Error for a column of a type that no panel here shows (bytes, arrays, json). */
export async function runQuery(reader: Pick<Pool, 'query'>, sql: string): Promise<Result> {
  const { fields, rows }: QueryResult<Row> = await reader.query(sql)
  const columns = fields.map(({ name, dataTypeID }) => {
    const kind = KINDS[dataTypeID]
    if (kind === undefined) throw new Error(`column ${name} has type ${dataTypeID}, which no panel shows`)
    return { name, kind }
  })
  return { columns, rows }
}

/** What a panel can't do with this result, a line each; empty where it shows it. */
export function resultProblems(panel: PanelFile, result: Result): string[] {
  const { columns, rows } = result
  const names = new Set([...columns.map(({ name }) => name), ...seriesNames(result)])
  const dressed = panel.fieldConfig?.overrides.map(({ matcher }) => matcher.options) ?? []
  return [
    ...failures({ 'no rows': rows.length > 0 }),
    ...repeated(columns.map(({ name }) => name)).map((name) => `column ${name} occurs twice`),
    ...dressed
      .filter((name) => !names.has(name))
      .map((name) => `an override for ${name}, which is not there`),
    ...shape(panel.type, result),
  ]
}

function shape(type: string, { columns, rows }: Result): string[] {
  const numbers = columns.filter(({ kind }) => kind === 'number')
  const texts = columns.filter(({ kind }) => kind === 'text')
  switch (type) {
    case 'stat':
      return failures({
        'is not one number': columns.length === 1 && numbers.length === 1 && rows.length === 1,
      })
    case 'piechart':
      return failures({ 'is not one text and one number': texts.length === 1 && numbers.length === 1 })
    case 'table':
      return []
    case 'timeseries':
      return timeSeriesShape(columns, rows, texts)
    default:
      return [`the type ${type} has no rules yet`]
  }
}

/** Grafana turns rows of one `metric` each into lines, which needs them ascending and no point twice. */
function timeSeriesShape(
  columns: Result['columns'],
  rows: readonly Row[],
  texts: Result['columns'],
): string[] {
  const [time, ...values] = columns
  const times = rows.map((row) => Number(row['time']))
  const points = rows.map((row) => `${String(row['time'])} ${String(row['metric'])}`)
  return failures({
    'the first column is not "time", a number of seconds': time?.name === 'time' && time.kind === 'number',
    'a row has no time': rows.every((row) => row['time'] !== null),
    'time does not ascend': times.every((value, index) => index === 0 || value >= times[index - 1]!),
    'no number to draw': values.some(({ kind }) => kind === 'number'),
    'a text column beside "metric"': texts.every(({ name }) => name === 'metric'),
    'with "metric", more than one number': texts.length === 0 || values.length === 2,
    'a point occurs twice': new Set(points).size === points.length,
  })
}

/** The lines that rows of a `metric` become. */
function seriesNames({ columns, rows }: Result): string[] {
  if (!columns.some(({ name }) => name === 'metric')) return []
  return rows.map((row) => String(row['metric']))
}

/** What an alert can't do with this result: each row is one alert, named by its texts. */
export function alertResultProblems({ columns, rows }: Result): string[] {
  const texts = columns.filter(({ kind }) => kind === 'text').map(({ name }) => name)
  const value = columns.filter(({ kind }) => kind === 'number').map(({ name }) => name)
  return [
    ...failures({
      'is not exactly one number': value.length === 1,
      'has a column that is neither number nor text': texts.length + value.length === columns.length,
      'a value is missing': rows.every((row) => row[value[0] ?? ''] !== null),
    }),
    ...repeated(rows.map((row) => texts.map((name) => row[name]).join(' '))).map((label) => `${label} twice`),
  ]
}
