import type { SQL } from 'drizzle-orm'
import type { ClientBase, Pool } from 'pg'
import { and, asc, eq, sql } from '../postgres/drizzle.ts'
import { columnsOf, on, type Client, type Row } from '../postgres/query.ts'
import type { SourceRecord } from '../kafka/record.ts'
import { partitionProgress } from '../schema/audit.ts'
import type { StopCode } from '../stream/types.ts'

export interface PartitionId {
  readonly topic: string
  readonly partition: number
}

const PROGRESS = columnsOf(
  partitionProgress,
  'topic',
  'partition',
  'stream',
  'sourcePartition',
  'incarnation',
  'firstOffset',
  'nextOffset',
  'clusterId',
  'logStart',
  'logEnd',
  'lastOffset',
  'lastHash',
  'stopCode',
  'stopReason',
  'passedOffset',
  'writer',
  'acceptedUntil',
)

/** A partition's watermark, and what the log looked like when it was last moved. */
export type Progress = Row<typeof PROGRESS>

const rowOf = (client: Client, { topic, partition }: PartitionId) =>
  on(client)
    .select(PROGRESS)
    .from(partitionProgress)
    .where(and(eq(PROGRESS.topic, topic), eq(PROGRESS.partition, partition)))

/** An array of the topics of a stream, present and past, so that indexes by topic serve it. */
export const topicsOf = (stream: string): SQL =>
  sql`array(select p.topic from ${partitionProgress} p where p.stream = ${stream})`

export async function readProgress(client: Client, id: PartitionId): Promise<Progress | undefined> {
  const [progress] = await rowOf(client, id)
  return progress
}

/** Of all partitions of a topic, ascending. */
export function readAllProgress(client: Client, topic: string): Promise<Progress[]> {
  return on(client)
    .select(PROGRESS)
    .from(partitionProgress)
    .where(eq(PROGRESS.topic, topic))
    .orderBy(asc(PROGRESS.partition))
}

/**
 * Locks the watermark until the transaction ends. First in every load, so that two workers that both
 * believe they own the partition come one after the other, and the second sees what the first did.
 */
export async function lockProgress(client: ClientBase, { topic, partition }: PartitionId): Promise<Progress> {
  const { rows } = await client.query<Progress>({ ...LOCK, values: [topic, partition] })
  const progress = rows[0]
  if (progress === undefined)
    throw new Error(`${topic}/${partition} has no watermark: was the warehouse emptied?`)
  return progress
}

/**
 * Locks all watermarks of a stream, in the order of their keys. A load holds one of them and waits for no other, so nobody
 * waits in a circle.
 */
export function lockAllProgress(client: ClientBase, stream: string): Promise<Progress[]> {
  const { topic, partition } = partitionProgress
  return on(client)
    .select(PROGRESS)
    .from(partitionProgress)
    .where(eq(PROGRESS.stream, stream))
    .orderBy(asc(topic), asc(partition))
    .for('update')
}

/** Each load sends it: the text is made once. */
const LOCK = {
  name: 'lock-progress',
  text: `select ${Object.entries(PROGRESS)
    .map(([name, column]) => `${column.name} as "${name}"`)
    .join(', ')}
         from audit.partition_progress where topic = $1 and partition = $2 for update`,
}

/** Moves the watermark; last in a load. The caller holds the row's lock and has seen `from` in it. */
export async function advanceProgress(
  client: ClientBase,
  { topic, partition }: PartitionId,
  to: number,
  last: SourceRecord | undefined,
  hash: string | undefined,
  writer?: string,
): Promise<void> {
  await client.query({
    name: 'advance-progress',
    text: `update audit.partition_progress
           set next_offset = $3, updated_at = now(),
               last_offset = coalesce($4, last_offset),
               last_timestamp = coalesce(to_timestamp($5::double precision / 1000), last_timestamp),
               last_hash = coalesce($6, last_hash), writer = coalesce($7, writer)
           where topic = $1 and partition = $2`,
    values: [
      topic,
      partition,
      to,
      last?.offset ?? null,
      last?.timestamp ?? null,
      hash ?? null,
      writer ?? null,
    ],
  })
}

/**
 * Remembers where the log starts, to notice when that goes back, and where it ends, for those who show the
 * lag. Neither is lowered: another worker may have looked later.
 */
export async function rememberLog(
  pool: Pool,
  { topic, partition }: PartitionId,
  log: { start: number; end: number },
): Promise<void> {
  await pool.query(
    `update audit.partition_progress
     set log_start = greatest(log_start, $3), log_end = greatest(log_end, $4), log_seen_at = now()
     where topic = $1 and partition = $2`,
    [topic, partition, log.start, log.end],
  )
}

export type { StopCode }

/** Stops for what the records say, whose log is the one we know: an operator accepts them, or has them mended. */
export const STOPS_FOR_RECORDS: readonly StopCode[] = ['mass_rejection', 'truncated', 'another_writer']

/**
 * Stops a partition, unless somebody has moved its watermark or stopped it meanwhile: then what was seen
 * is no longer so, and the next run looks again.
 *
 * @returns whether it was stopped now.
 */
export async function stopPartition(
  pool: Pool,
  seen: Progress,
  code: StopCode,
  reason: string,
): Promise<boolean> {
  const { rowCount } = await pool.query(
    `update audit.partition_progress set stopped_at = now(), stop_code = $5, stop_reason = $6
     where topic = $1 and partition = $2 and incarnation = $3 and next_offset = $4 and stopped_at is null`,
    [seen.topic, seen.partition, seen.incarnation, seen.nextOffset, code, reason],
  )
  return rowCount === 1
}

/**
 * Ends the stops of a topic whose cause is gone. One statement with its own condition: a stop for another
 * reason stands, and who stops again at this moment does so after it, by what it saw.
 *
 * @returns the partitions that go on.
 */
export async function endStops(
  client: Pool | ClientBase,
  topic: string,
  code: Extract<StopCode, 'another_owner'>,
): Promise<number[]> {
  const { rows } = await client.query<{ partition: number }>(
    `update audit.partition_progress set stopped_at = null, stop_code = null, stop_reason = null, updated_at = now()
     where topic = $1 and stop_code = $2 returning partition`,
    [topic, code],
  )
  return rows.map(({ partition }) => partition).sort((a, b) => a - b)
}

/**
 * Lets a partition go on that is stopped for this reason. The record that stopped it, which is the next one, is passed;
 * where that was for who wrote it, the next record says who writes from now on.
 *
 * @param acceptedUntil up to where its batches are not held against the rejection ratio; unchanged if undefined.
 */
export async function continuePartition(
  client: Pool | ClientBase,
  { topic, partition }: PartitionId,
  acceptedUntil: number | undefined,
  stopCode: Progress['stopCode'] = 'mass_rejection',
): Promise<boolean> {
  const { rowCount } = await client.query(
    `update audit.partition_progress
     set stopped_at = null, stop_code = null, stop_reason = null,
         passed_offset = case when stop_code = 'truncated' then next_offset else passed_offset end,
         writer = case when stop_code <> 'another_writer' then writer end,
         accepted_until = coalesce($3, accepted_until), updated_at = now()
     where topic = $1 and partition = $2 and stop_code = $4`,
    [topic, partition, acceptedUntil ?? null, stopCode],
  )
  return rowCount === 1
}

/**
 * The next incarnation of a partition. Where all partitions of the topic stopped because there are more of them than
 * before, it is the same for all of them, whichever comes first: versions are ordered by it.
 */
export async function nextIncarnation(client: Client, progress: Progress): Promise<number> {
  if (progress.stopCode !== 'partitions_grew') return progress.incarnation + 1
  const { rows } = await client.query<{ next: number }>(
    `select greatest(max(incarnation) filter (where stop_code = 'partitions_grew') + 1,
                     max(incarnation) filter (where stop_code is distinct from 'partitions_grew')) as next
     from audit.partition_progress where topic = $1`,
    [progress.topic],
  )
  return rows[0]!.next
}

/**
 * Begins a new incarnation of a partition, whose log is not the one we knew: from `offset` on its records
 * are new, whatever their offsets meant before. Clears a stop. The caller holds the row's lock.
 *
 * @param log what Kafka says of it now.
 * @param incarnation of `nextIncarnation`; the next of this partition unless told.
 */
export async function beginIncarnation(
  client: ClientBase,
  { topic, partition }: PartitionId,
  offset: number,
  log: { clusterId: string; start: number },
  incarnation?: number,
): Promise<void> {
  await client.query(
    `update audit.partition_progress
     set incarnation = coalesce($6, incarnation + 1), first_offset = $3, next_offset = $3, cluster_id = $4, log_start = $5, log_end = null,
         last_offset = null, last_timestamp = null, last_hash = null, passed_offset = null, writer = null,
         stopped_at = null, stop_code = null, stop_reason = null, accepted_until = 0, updated_at = now()
     where topic = $1 and partition = $2`,
    [topic, partition, offset, log.clusterId, log.start, incarnation ?? null],
  )
}

/** The stream reads another topic from now on: partitions of this one stand still for good, whatever stopped them before. */
export async function leaveTopic(client: ClientBase, topic: string, reason: string): Promise<void> {
  await client.query(
    `update audit.partition_progress set stopped_at = now(), stop_code = 'moved', stop_reason = $2, updated_at = now()
     where topic = $1`,
    [topic, reason],
  )
}

/** The stream reads a topic again that it had left: from its watermarks on. */
export async function returnToTopic(client: ClientBase, topic: string): Promise<void> {
  await client.query(
    `update audit.partition_progress set stopped_at = null, stop_code = null, stop_reason = null, updated_at = now()
     where topic = $1 and stop_code = 'moved'`,
    [topic],
  )
}
