import type { Pool } from 'pg'
import { z } from 'zod'
import type { Kafka } from '../kafka/client.ts'
import { openLogReader, type LogReader } from '../kafka/log-reader.ts'
import { offsetsAt, askAdmin } from '../kafka/topics.ts'
import { differs } from '../job/known-log.ts'
import { ActionRefused } from '../operations/actions.ts'
import { lookAt, type PartitionNow } from '../partitions/stopped.ts'
import { readAllProgress, STOPS_FOR_RECORDS, type PartitionId, type Progress } from '../ledger/watermark.ts'

const PARTITION = z.int('is no partition').min(0, 'is no partition')
const OFFSET = z.int('is no offset').min(0, 'is no offset')
const MOMENT = z.iso.datetime({ offset: true, message: 'is no time such as 2026-03-01T12:00:00Z' })

/**
 * What to replay. `from` is in it, `to` is not; without `to` it goes as far as was loaded. Time is Kafka's
 * own time of the record, not the transaction's.
 */
export const replayRange = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('all') }),
  z
    .strictObject({ kind: z.literal('offsets'), partition: PARTITION, from: OFFSET, to: OFFSET.optional() })
    .refine(({ from, to }) => to === undefined || from < to, { path: ['to'], error: 'is not after from' }),
  z
    .strictObject({ kind: z.literal('time'), from: MOMENT, to: MOMENT.optional() })
    .refine(({ from, to }) => to === undefined || Date.parse(from) < Date.parse(to), {
      path: ['to'],
      error: 'is not after from',
    }),
])
export type ReplayRange = z.infer<typeof replayRange>

/** Offsets of one partition to be read again. */
export interface PlannedRange extends PartitionId {
  readonly incarnation: number
  readonly from: number
  /** One past the last. */
  readonly to: number
}

export interface ReplayPlan {
  /** At most one for each partition, none of them empty. */
  readonly ranges: readonly PlannedRange[]
  /** How many offsets they hold together. Not every offset is a record. */
  readonly offsets: number
  /** A sentence for each part of what was asked for that can't be read again. */
  readonly notes: readonly string[]
}

/**
 * Which offsets a range means, of what was loaded and Kafka still holds.
 *
 * @throws ActionRefused where there is nothing to read, or where a log is not the one that was loaded.
 */
export async function planReplay(
  pool: Pool,
  kafka: Kafka,
  topic: string,
  range: ReplayRange,
): Promise<ReplayPlan> {
  const loaded = (await readAllProgress(pool, topic)).map(({ partition }) => partition)
  const asked = await offsetsAsked(kafka, topic, range, loaded)
  const ranges: PlannedRange[] = []
  const notes: string[] = []
  const reader = await openLogReader(kafka, topic)
  try {
    for (const [partition, offsets] of asked) {
      const now = await requireKnownLog(pool, kafka, reader, { topic, partition })
      const clipped = clip(offsets, now)
      notes.push(...clipped.notes.map((note) => `${topic}/${partition}: ${note}.`))
      if (clipped.from < clipped.to) {
        const { from, to } = clipped
        ranges.push({ topic, partition, incarnation: now.progress.incarnation, from, to })
      }
    }
  } finally {
    await reader.close()
  }
  if (ranges.length === 0) {
    const why = notes.length === 0 ? 'Nothing was loaded from this range.' : notes.join(' ')
    throw new ActionRefused(`There is nothing to replay. ${why}`)
  }
  return { ranges, offsets: ranges.reduce((sum, { from, to }) => sum + to - from, 0), notes }
}

/** Offsets as asked for; undefined is as far as there is something. */
export interface AskedOffsets {
  readonly from: number | undefined
  readonly to: number | undefined
  /** Whether `from` is where a time begins, so that Kafka can't say whether older records were meant too. */
  readonly byTime?: boolean
}

async function offsetsAsked(
  kafka: Kafka,
  topic: string,
  range: ReplayRange,
  loaded: readonly number[],
): Promise<Map<number, AskedOffsets>> {
  if (range.kind === 'offsets') return new Map([[range.partition, { from: range.from, to: range.to }]])
  const ofEach = (offsets: (partition: number) => AskedOffsets) =>
    new Map(loaded.map((partition) => [partition, offsets(partition)]))
  if (range.kind === 'all') return ofEach(() => ({ from: undefined, to: undefined }))
  const { from, to } = range
  const [first, last] = await askAdmin(kafka, async (admin) => [
    await offsetsAt(admin, topic, new Date(from)),
    to === undefined ? undefined : await offsetsAt(admin, topic, new Date(to)),
  ])
  return ofEach((partition) => ({ from: first?.get(partition), to: last?.get(partition), byTime: true }))
}

/** The offsets that can be read again, and what is to be said of those that can't. */
export function clip(
  asked: AskedOffsets,
  {
    progress,
    start,
  }: { progress: Pick<Progress, 'incarnation' | 'firstOffset' | 'nextOffset'> } & Pick<PartitionNow, 'start'>,
): { from: number; to: number; notes: string[] } {
  const { incarnation, firstOffset, nextOffset } = progress
  const wanted = { from: asked.from ?? firstOffset, to: asked.to ?? Math.max(nextOffset, asked.from ?? 0) }
  const notes: string[] = []
  const tell = (from: number, to: number, what: string) => {
    const [first, last] = [Math.max(from, wanted.from), Math.min(to, wanted.to) - 1]
    if (first <= last) notes.push(`offsets ${first} to ${last} ${what}`)
  }
  if (asked.from === undefined && incarnation > 1)
    notes.push(`the facts of incarnations before ${incarnation} stay as they are`)
  tell(0, firstOffset, `were not loaded in incarnation ${incarnation}, which begins at ${firstOffset}`)
  tell(firstOffset, Math.min(start, nextOffset), 'are no longer in Kafka: their facts stay as they are')
  tell(nextOffset, Infinity, 'are not loaded yet: they will be by the current code')
  if (asked.byTime === true && firstOffset < start && wanted.from <= start)
    notes.push(`the log begins at ${start}: older records of that time, if any, are no longer in Kafka`)
  return {
    from: Math.max(wanted.from, firstOffset, start),
    to: Math.min(wanted.to, nextOffset),
    notes,
  }
}

/**
 * A partition's watermark and log, if that is the log that was loaded.
 *
 * @throws ActionRefused where it is another one, whether a run has noticed that before or not.
 */
export async function requireKnownLog(
  pool: Pool,
  kafka: Kafka,
  reader: LogReader,
  id: PartitionId,
): Promise<PartitionNow> {
  const now = await lookAt(pool, kafka, id)
  const { stopCode, stopReason } = now.progress
  const trouble =
    stopCode === null || stopCode === 'moved' || STOPS_FOR_RECORDS.includes(stopCode)
      ? (await differs(reader, now.progress, now))?.reason
      : stopReason
  if (trouble === undefined) return now
  throw new ActionRefused(
    `${id.topic}/${id.partition} can't be replayed, its log is not the one that was loaded: ${trouble}.`,
  )
}
