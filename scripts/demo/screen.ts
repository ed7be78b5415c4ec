import { aligned } from '../../etl/text/table.ts'
import { wrappedLines } from '../wrapped.ts'

/** pino's numbers. */
const INFO = 30
export const WARN = 40
const ERROR = 50

/** One line of a program's log. */
export interface LogLine {
  /** The program that said it. */
  readonly from: string
  readonly time: Date
  readonly level: number
  readonly msg: string
  /** All that the line holds. */
  readonly fields: Readonly<Record<string, unknown>>
}

/** @param level of a line that is not of pino's. */
export function readLogLine(from: string, text: string, level = INFO): LogLine {
  const fields = parseObject(text)
  const time = new Date(String(fields?.['time']))
  return {
    from,
    time: Number.isNaN(time.getTime()) ? new Date() : time,
    level: typeof fields?.['level'] === 'number' ? fields['level'] : level,
    msg: typeof fields?.['msg'] === 'string' ? fields['msg'] : text,
    fields: fields ?? {},
  }
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

/** A trouble that repeats itself (a server that is away) would push everything else off the screen. */
const SHOWN_AT_MOST = 3

/** The demo gives the ETL the login that makes databases: its own doing, and no news for who watches. */
const NO_NEWS = ['DATABASE_URL logs in as a superuser']

/** Kafka makes what coordinates producers and groups at the first request for it; clients ask again. */
const KAFKA_BEGINS = /coordinator is (not available|loading)/

export interface Screen {
  /**
   * Shows a line of a program's log if it is of interest: runs, warnings, failures. In the order in which
   * they came.
   *
   * @param readLag records that are in the topic and not yet loaded; asked for after each run.
   */
  show(line: LogLine, readLag: () => Promise<number>): void
  /** Shows a line of the demo's own, at once: it may be the last. */
  tell(line: LogLine): void
  /** Resolves when all that was handed over is shown. */
  shown(): Promise<void>
}

/**
 * Makes people's lines of the programs' logs.
 *
 * @param shows whether the runs of a stream are shown; those that fail are, whatever it says.
 */
export function openScreen(
  say: (line: string) => void,
  shows: (stream: string) => boolean = () => true,
): Screen {
  const times = new Map<string, number>()
  let last = Promise.resolve()

  const showTrouble = (line: LogLine): void => {
    if (isNoNews(line)) return
    const key = `${line.from} ${line.msg}`
    const time = (times.get(key) ?? 0) + 1
    times.set(key, time)
    if (time <= SHOWN_AT_MOST) say(renderTrouble(line, time === SHOWN_AT_MOST))
  }
  const showNow = async (line: LogLine, readLag: () => Promise<number>): Promise<void> => {
    const run = runOf(line)
    const { stream } = line.fields
    if (run !== undefined && run.error === undefined && typeof stream === 'string' && !shows(stream)) return
    if (run !== undefined) say(renderRun(line.time, run, await readLag().catch(() => undefined)))
    else if (line.level >= WARN) showTrouble(line)
  }
  return {
    show: (line, readLag) => {
      last = last.then(() => showNow(line, readLag))
    },
    tell: (line) => (line.level >= WARN ? showTrouble(line) : say(`${timeOfDay(line.time)}  ${line.msg}`)),
    shown: () => last,
  }
}

function isNoNews({ msg, fields }: LogLine): boolean {
  if (NO_NEWS.some((words) => msg.startsWith(words))) return true
  return fields['kafka'] !== undefined && KAFKA_BEGINS.test(`${msg} ${String(fields['error'])}`)
}

function renderTrouble({ from, time, level, msg, fields }: LogLine, isLast: boolean): string {
  const error = fields['err'] as { message?: unknown } | undefined
  const reasons = [fields['reason'], fields['error'], error?.message]
  const reason = reasons.find((text): text is string => typeof text === 'string' && text !== msg)
  const what = `${from} ${level >= ERROR ? 'failure' : 'warning'}: ${msg}`
  return oneLine(
    `${timeOfDay(time)}  ${isLast ? '(not shown again) ' : ''}${what}${reason === undefined ? '' : `: ${reason}`}`,
  )
}

/** What the ETL logs at the end of each run (etl/worker/runs.ts). */
interface RunFields {
  readonly run_id: number
  readonly consumed: number
  readonly loaded: number
  readonly duplicate: number
  readonly deadLettered: number
  readonly duration_ms: number
  readonly retries?: number
  readonly stopped?: number
  readonly error?: string
}

const NUMBERS = ['run_id', 'consumed', 'loaded', 'duplicate', 'deadLettered', 'duration_ms']

/** The line's numbers, if it is the end of a run. */
function runOf({ fields }: LogLine): RunFields | undefined {
  return NUMBERS.every((name) => typeof fields[name] === 'number')
    ? (fields as unknown as RunFields)
    : undefined
}

const count = (n: number, width: number): string => thousands(n).padStart(width)

/** `12:00:05  run 3  1,024 consumed = 981 loaded + 17 duplicate + 26 dead-lettered  0.21 s  lag 0` */
function renderRun(time: Date, run: RunFields, lag: number | undefined): string {
  const balance = [
    `${count(run.consumed, 5)} consumed = ${count(run.loaded, 5)} loaded`,
    `${count(run.duplicate, 2)} duplicate`,
    `${count(run.deadLettered, 2)} dead-lettered`,
  ].join(' + ')
  const seconds = `${(run.duration_ms / 1000).toFixed(2)} s`
  const line = `${timeOfDay(time)}  run${count(run.run_id, 3)}  ${balance}  ${seconds.padStart(6)}  lag ${lag === undefined ? '?' : thousands(lag)}`
  const remarks = [
    ...(run.error === undefined ? [] : [`failed: ${run.error}`]),
    ...((run.stopped ?? 0) > 0 ? [`partitions that stand still: ${run.stopped}`] : []),
  ]
  return [line, ...remarks.map((remark) => oneLine(`${' '.repeat(10)}${remark}`))].join('\n')
}

/** How the demo's lines look. Terminals of 100 columns show each in one row. */
const WIDTH = 98

/** `1,234,567.89` from a number of things or from Postgres' own text of a numeric: money is never a float here. */
export function thousands(value: number | string): string {
  const [whole = '', ...fraction] = String(value).split('.')
  return [whole.replaceAll(/\B(?=(\d{3})+$)/g, ','), ...fraction].join('.')
}

/** One row of a terminal: control characters are made visible, and what doesn't fit is cut off. */
export function oneLine(text: string, width = WIDTH): string {
  const line = text
    .replaceAll(/[\r\n\t]+/g, ' ')
    .replaceAll(/\p{Cc}/gu, (char) => `\\u${char.codePointAt(0)!.toString(16).padStart(4, '0')}`)
  return line.length <= width ? line : `${line.slice(0, width - 1)}…`
}

/** Breaks a text between words; lines after the first are indented. */
export const wrapped = (text: string, indent = '', width = WIDTH): string =>
  wrappedLines(text, width, indent).join('\n')

/** Rows with their cells below each other; a column that begins with a digit somewhere is of numbers. */
export function table(rows: readonly (readonly string[])[], indent = '  '): string[] {
  const isNumber = (column: number) => rows.some((row) => /^\d[\d,.]*$/.test(row[column] ?? ''))
  return aligned(rows, isNumber).map((row) => `${indent}${row}`)
}

/** Local time of day, as people compare it with their clock. */
export function timeOfDay(time: Date): string {
  return [time.getHours(), time.getMinutes(), time.getSeconds()]
    .map((n) => String(n).padStart(2, '0'))
    .join(':')
}
