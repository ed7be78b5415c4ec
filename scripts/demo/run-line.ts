import type { LogLine } from './log-line.ts'
import { oneLine, thousands, timeOfDay } from './text.ts'

/** What the ETL logs at the end of each run (`reportRun` in etl/worker/worker.ts). */
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
export function runOf({ fields }: LogLine): RunFields | undefined {
  return NUMBERS.every((name) => typeof fields[name] === 'number')
    ? (fields as unknown as RunFields)
    : undefined
}

const count = (n: number, width: number): string => thousands(n).padStart(width)

/** `12:00:05  run 3  1,024 consumed = 981 loaded + 17 duplicate + 26 dead-lettered  0.21 s  lag 0` */
export function renderRun(time: Date, run: RunFields, lag: number | undefined): string {
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
