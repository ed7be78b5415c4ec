import type { Pool } from 'pg'
import type { Kafka } from '../kafka/client.ts'
import { openLogReader } from '../kafka/log-reader.ts'
import { clusterId, partitionBounds, askAdmin } from '../kafka/topics.ts'
import { differs } from '../job/known-log.ts'
import {
  beginIncarnation,
  continuePartition,
  lockProgress,
  nextIncarnation,
  readProgress,
  STOPS_FOR_RECORDS,
  type Progress,
  type PartitionId,
} from '../ledger/watermark.ts'
import { ActionRefused, actAtOnce, NotFound, type Action, type Operator } from '../operations/actions.ts'

/**
 * A partition's watermark beside what Kafka says of its log now; its end is the last stable offset.
 *
 * @throws NotFound where the warehouse or Kafka doesn't have it.
 */
export async function lookAt(pool: Pool, kafka: Kafka, id: PartitionId) {
  const { topic, partition } = id
  const progress = await readProgress(pool, id)
  if (progress === undefined) {
    throw new NotFound(
      `${topic}/${partition} has no watermark: the job was never there, and will begin where its log begins.`,
    )
  }
  return askAdmin(kafka, async (admin) => {
    const cluster = await clusterId(admin)
    const bounds = (await admin.listTopics()).includes(topic) ? await partitionBounds(admin, topic) : []
    const log = bounds.find((one) => one.partition === partition)
    if (log === undefined) throw new NotFound(`Kafka has no ${topic}/${partition}: run npm run topics`)
    return { progress, clusterId: cluster, start: log.start, end: log.end }
  })
}
export type PartitionNow = Readonly<Awaited<ReturnType<typeof lookAt>>>

/**
 * Whether it may go on as it is: stopped for what its records say, or for a log that is the one we knew again, such as
 * after KAFKA_BROKERS was mended.
 *
 * @throws ActionRefused
 */
export async function requireMayGoOn(kafka: Kafka, now: PartitionNow): Promise<void> {
  const { topic, partition, stopCode, stopReason } = now.progress
  const name = `${topic}/${partition}`
  if (stopCode === null) throw new ActionRefused(`${name} is not stopped: nothing to do.`)
  if (STOPS_FOR_RECORDS.includes(stopCode)) return
  if (stopCode === 'another_owner') {
    throw new ActionRefused(
      `${name} is stopped for another reason (${stopCode}: ${stopReason}).\n` +
        'Where this warehouse takes the place of the other: pulse partitions take-over',
    )
  }
  requireNotLeft(now)
  if (stopCode === 'partitions_grew')
    throw new ActionRefused(
      `${name} is stopped for another reason (${stopCode}: ${stopReason}).\n` +
        `Begin a new incarnation of each partition: pulse partitions new-incarnation ${partition} --from …`,
    )
  const trouble = await troubleNow(kafka, now)
  if (trouble === undefined) return
  throw new ActionRefused(
    `${name} is stopped for another reason (${trouble.code}: ${trouble.reason}), and that is still so.\n` +
      `Where the log is a new one: pulse partitions new-incarnation ${partition} --from-beginning`,
  )
}

/** @throws ActionRefused where the stream was moved to another topic. */
function requireNotLeft({
  progress: { stream, topic, partition, stopCode, stopReason },
}: PartitionNow): void {
  if (stopCode === 'moved')
    throw new ActionRefused(
      `${topic}/${partition} is left: ${stopReason}. To read it again: pulse streams move ${stream} --topic ${topic}`,
    )
}

async function troubleNow(kafka: Kafka, now: PartitionNow): ReturnType<typeof differs> {
  const reader = await openLogReader(kafka, now.progress.topic)
  try {
    return await differs(reader, now.progress, now)
  } finally {
    await reader.close()
  }
}

/** What comes when a stop ends, other than that on mass rejection; in a sentence. */
export function howItGoesOn({ stopCode, nextOffset }: Pick<Progress, 'stopCode' | 'nextOffset'>): string {
  if (stopCode === 'truncated')
    return `The record at offset ${nextOffset} is skipped: the rows that the warehouse has stay.`
  if (stopCode === 'another_writer')
    return `It goes on at offset ${nextOffset}, and the source of that record is the one whose records are taken.`
  return `Its log is the one that was loaded: it goes on at offset ${nextOffset}.`
}

/**
 * Ends a stop. On mass rejection: what the log held when it was looked at is loaded, whatever share of it
 * becomes dead letters; records that come later are held against the ratio again.
 *
 * @throws ActionRefused
 */
export async function continueStopped(
  pool: Pool,
  kafka: Kafka,
  by: Operator,
  seen: PartitionNow,
): Promise<Action> {
  await requireMayGoOn(kafka, seen)
  const { stream, topic, partition, stopCode } = seen.progress
  const accepted = stopCode === 'mass_rejection' ? { acceptedUntil: seen.end } : {}
  const target = { topic, partition, ...accepted }
  return actAtOnce(pool, by, { action: 'continue_partition', stream, target }, async (client) => {
    // The update's own condition is what decides between two operators: the second finds no stop.
    if (!(await continuePartition(client, seen.progress, accepted.acceptedUntil, stopCode)))
      throw new ActionRefused(`${topic}/${partition} is no longer stopped: somebody else let it go on.`)
  })
}

/**
 * How many facts may be there twice when a partition is read again from `offset` on: of a stream in which each record
 * counts, those that came from these offsets. Of other streams none, as what comes again is a duplicate.
 */
export async function factsTwice(pool: Pool, progress: Progress, offset: number): Promise<number> {
  const { stream, sourcePartition, incarnation } = progress
  const { rows } = await pool.query<{ facts: string }>(
    `select facts from audit.streams where name = $1 and identity = '{source_partition,incarnation,source_offset}'`,
    [stream],
  )
  if (rows[0] === undefined) return 0
  const counted = await pool.query<{ n: number }>(
    `select count(*) as n from warehouse.${rows[0].facts}
     where source_partition = $1 and incarnation = $2 and source_offset >= $3`,
    [sourcePartition, incarnation, offset],
  )
  return counted.rows[0]!.n
}

/**
 * Takes up the log that Kafka has now as a new one, from `offset` on: its offsets are used a second time and
 * mean other records. Facts stay; an order that comes again is a duplicate.
 *
 * @param twice of `factsTwice`, as the operator has typed it.
 * @throws ActionRefused
 */
export async function newIncarnation(
  pool: Pool,
  by: Operator,
  seen: PartitionNow,
  offset: number,
  twice = 0,
): Promise<Action> {
  requireNotLeft(seen)
  requireOffset(seen, offset)
  const again = await factsTwice(pool, seen.progress, offset)
  if (again !== twice)
    throw new ActionRefused(
      `Each record of the stream ${seen.progress.stream} is a fact: from offset ${offset} on ${again} of them may be there twice.\n` +
        `If that is meant: pulse partitions new-incarnation ${seen.progress.partition} --from ${offset} --twice ${again}`,
    )
  const { stream, topic, partition, incarnation, stopCode } = seen.progress
  const target = { topic, partition, incarnation: await nextIncarnation(pool, seen.progress), offset }
  return actAtOnce(pool, by, { action: 'new_incarnation', stream, target }, async (client) => {
    const locked = await lockProgress(client, seen.progress)
    if (locked.incarnation !== incarnation || locked.stopCode !== stopCode)
      throw new ActionRefused(`${topic}/${partition} was changed meanwhile; nothing was done. Look again.`)
    await beginIncarnation(client, seen.progress, offset, seen, target.incarnation)
  })
}

/** @throws ActionRefused where the log has no such offset. */
export function requireOffset({ progress, start, end }: PartitionNow, offset: number): void {
  if (offset >= start && offset <= end) return
  throw new ActionRefused(
    `${progress.topic}/${progress.partition} holds offsets ${start} to ${end}: it can't begin at ${offset}.`,
  )
}
