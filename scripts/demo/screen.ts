import { oneLine, timeOfDay } from './text.ts'
import { ERROR, WARN, type LogLine } from './log-line.ts'
import { renderRun, runOf } from './run-line.ts'

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

/** Makes people's lines of the programs' logs. */
export function openScreen(say: (line: string) => void): Screen {
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
