import type { Progress } from '../ledger/watermark.ts'
import { count, thousands } from '../text/wording.ts'
import type { BatchTotals, Opening } from './batches.ts'
import type { TopicLog } from './log.ts'
import type { Counts, Incarnation, OpeningBalance, PartitionReport } from './report.ts'

/** What Kafka says of the stream's topics, by name; none where it was not asked. */
type Logs = ReadonlyMap<string, TopicLog>

const NOTHING = {
  batches: 0,
  dropped: 0,
  pruned: 0,
  consumed: 0,
  loaded: 0,
  duplicate: 0,
  skipped: 0,
  deadLettered: 0,
}

/** One row for each incarnation that has a ledger or a watermark, ascending. */
export function partitionReports(
  progress: readonly Progress[],
  { totals, openings }: { totals: readonly BatchTotals[]; openings: readonly Opening[] },
  logs: Logs | undefined,
): PartitionReport[] {
  const balances = new Map(openings.map((opening) => [nameOf(opening), balanceOf(opening)]))
  const unknown = { firstOffset: null, watermark: null, logStart: null, logEnd: null, stopCode: null }
  const over = totals.flatMap((total) =>
    total.topic === null ? [] : [{ ...total, topic: total.topic, openingBalance: null, ...unknown }],
  )
  const rows = new Map<string, PartitionReport>(over.map((row) => [nameOf(row), row]))
  for (const one of progress) {
    const bounds = logs?.get(one.topic)?.now.bounds.get(one.partition)
    rows.set(nameOf(one), {
      ...NOTHING,
      openingBalance: null,
      ...rows.get(nameOf(one)),
      topic: one.topic,
      partition: one.partition,
      incarnation: one.incarnation,
      firstOffset: one.firstOffset,
      watermark: one.nextOffset,
      logStart: bounds?.start ?? null,
      logEnd: bounds?.end ?? null,
      stopCode: one.stopCode,
    })
  }
  return [...rows.values()]
    .map((row) => ({ ...row, openingBalance: balances.get(nameOf(row)) ?? null }))
    .sort((a, b) => compare(a.topic, b.topic) || a.partition - b.partition || a.incarnation - b.incarnation)
}

function balanceOf(opening: Opening): OpeningBalance {
  const { fromOffset, toOffset, batches, consumed, loaded, duplicate, skipped, deadLettered } = opening
  return { fromOffset, toOffset, batches, consumed, loaded, duplicate, skipped, deadLettered }
}

const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b))

const nameOf = ({ topic, partition, incarnation }: Incarnation): string =>
  `${topic}/${partition}#${incarnation}`

export function sum(rows: readonly Counts[]): Counts {
  const add = (key: keyof Counts) => rows.reduce((total, row) => total + row[key], 0)
  return {
    consumed: add('consumed'),
    loaded: add('loaded'),
    duplicate: add('duplicate'),
    skipped: add('skipped'),
    deadLettered: add('deadLettered'),
  }
}

/** What an operator should know beside the proof. A stopped partition has lag, not imbalance. */
export function warningsOf(progress: readonly Progress[], topic: string, logs: Logs | undefined): string[] {
  const now = logs?.get(topic)?.now
  const warnings = progress
    .filter(({ stopCode }) => stopCode !== null && stopCode !== 'moved')
    .map((one) => `${one.topic}/${one.partition} is stopped (${one.stopCode}): ${one.stopReason}`)
  for (const other of new Set(
    progress.filter(({ stopCode }) => stopCode !== 'moved').map((one) => one.topic),
  ))
    if (logs?.get(other)?.now.topicExists === false && other !== topic)
      warnings.push(`topic ${other} was not held against its log: Kafka has no such topic`)
  if (now === undefined) warnings.push('Kafka was not asked: the watermarks were not held against the log')
  else if (!now.topicExists) warnings.push(`Kafka has no topic ${topic}`)
  if (progress.length > 0 && !progress.some((one) => one.topic === topic && one.stopCode !== 'moved'))
    warnings.push(notItsTopic(progress, topic))
  else
    for (const partition of now?.bounds.keys() ?? [])
      if (!progress.some((one) => one.topic === topic && one.partition === partition))
        warnings.push(`${topic}/${partition} has no watermark: it was never loaded`)
  return warnings
}

function notItsTopic(progress: readonly Progress[], topic: string): string {
  const { stream } = progress[0]!
  const left = progress.find((one) => one.topic === topic)
  if (left !== undefined)
    return `${topic} is the topic of ${stream} by the settings here, but ${left.stopReason}`
  return `${topic} is no topic of ${stream} in this warehouse: set it back, or pulse streams move ${stream} --topic ${topic}`
}

/**
 * What waits where no worker runs the stream, in a sentence; undefined where one does, or nothing waits. What a stopped
 * partition has waits for somebody else.
 */
export function waitsForNobody(
  { stream, workers, progress }: { stream: string; workers: number; progress: readonly Progress[] },
  topic: string,
  logs: Logs | undefined,
): string | undefined {
  if (workers > 0) return undefined
  const waiting = [...(logs?.get(topic)?.now.bounds ?? [])].flatMap(([partition, { start, end }]) => {
    const known = progress.find((one) => one.topic === topic && one.partition === partition)
    const waits = known?.stopCode ? 0 : end - (known?.nextOffset ?? start)
    return waits > 0 ? [{ partition, waits }] : []
  })
  if (waiting.length === 0) return undefined
  const all = waiting.reduce((total, { waits }) => total + waits, 0)
  return (
    `no worker runs the stream ${stream}: ${count(all, 'offset')} of ${topic} ${all === 1 ? 'waits' : 'wait'} ` +
    `(${waiting.map(({ partition, waits }) => `partition ${partition}: ${thousands(waits)}`).join(', ')})`
  )
}

/** What a deep check could not read: logs that are not those we knew, and incarnations that are over. */
export function notReadAgain(
  progress: readonly Progress[],
  known: readonly Progress[],
  partitions: readonly PartitionReport[],
): string[] {
  const strange = progress.filter((one) => !known.includes(one))
  const over = partitions.filter(({ watermark, consumed }) => watermark === null && consumed > 0)
  return [
    ...strange.map(({ topic, partition }) => `${topic}/${partition} was not read again`),
    ...over.map(
      ({ topic, partition, incarnation, consumed }) =>
        `${topic}/${partition} was not read again for its incarnation ${incarnation}, whose log is gone: ${count(consumed, 'record')}`,
    ),
  ]
}
