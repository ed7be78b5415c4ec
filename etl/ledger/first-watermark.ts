import type { ClientBase, Pool } from 'pg'
import { and, eq, sql } from '../postgres/drizzle.ts'
import { on, type Client } from '../postgres/query.ts'
import { commit, inTransaction } from '../postgres/transaction.ts'
import { partitionProgress, partitionStarts } from '../schema/audit.ts'
import { readAllProgress, readProgress, type PartitionId, type Progress } from './watermark.ts'

/** Numbers of a stream's topic begin at a multiple of this; a topic has fewer partitions. */
const NUMBERS_OF_A_TOPIC = 10_000

/**
 * The first watermark of a partition: the beginning of its log. Leaves one that is there as it is.
 *
 * The partition gets a number of its stream, by which facts, rollups and locks go from then on: Kafka's own where
 * it is of the stream's first topic, and numbers of the next free ten thousand for another topic. Two that come at
 * once get numbers one after the other, by the advisory lock; that no number is given twice is a constraint's.
 *
 * @throws Error where the topic is not one of the stream's.
 */
export async function ensureProgress(
  pool: Pool,
  { stream, topic, partition }: PartitionId & { readonly stream: string },
  log: { clusterId: string; start: number },
): Promise<Progress> {
  const there = await readProgress(pool, { topic, partition })
  if (there !== undefined) return requireOwn(there, stream)
  return inTransaction(pool, async (client) => {
    await lockSourceNumbers(client)
    await requireTopic(client, { stream, topic })
    await firstWatermark(client, { stream, topic, partition }, log)
    const progress = await readProgress(client, { topic, partition })
    if (progress === undefined) throw new Error(`the watermark of ${topic}/${partition} vanished`)
    return commit(progress)
  })
}

/** Lets one transaction at a time give numbers to partitions, from here to its end. */
export async function lockSourceNumbers(client: ClientBase): Promise<void> {
  await client.query(`select pg_advisory_xact_lock(hashtext('pulse: source numbers'))`)
}

/**
 * Makes a partition's first watermark where there is none. The caller has `lockSourceNumbers`.
 *
 * @param offset where it begins; with the first that the log holds unless told.
 */
export async function firstWatermark(
  client: ClientBase,
  { stream, topic, partition }: PartitionId & { readonly stream: string },
  log: { clusterId: string; start: number },
  { incarnation = 1, offset = log.start }: { incarnation?: number; offset?: number } = {},
): Promise<void> {
  await client.query(
    `insert into audit.partition_progress
       (topic, partition, stream, source_partition, incarnation, first_offset, next_offset, cluster_id, log_start)
     select $1, $2, $3, $2::int4 + coalesce(
              (select min(source_partition - partition) from audit.partition_progress where stream = $3 and topic = $1),
              (select (max(source_partition) / $6::int4 + 1) * $6::int4 from audit.partition_progress where stream = $3),
              0), $7, $8, $8, $5, $4
     on conflict (topic, partition) do nothing`,
    [topic, partition, stream, log.start, log.clusterId, NUMBERS_OF_A_TOPIC, incarnation, offset],
  )
}

/** A partition begins where its stream's declaration says. In the transaction that makes its first watermark. */
export async function recordStart(
  client: ClientBase,
  start: Omit<typeof partitionStarts.$inferInsert, 'startedAt'>,
): Promise<void> {
  await on(client).insert(partitionStarts).values(start)
}

/**
 * A stream's first topic is whichever it is told to read; from then on a further one is taken up by an operator, who sees to it
 * that nothing of the one before is left.
 *
 * @throws Error that says what to do, where the topic is not one of the stream's.
 */
export async function requireTopic(
  client: ClientBase,
  { stream, topic }: Pick<PartitionId, 'topic'> & { readonly stream: string },
): Promise<void> {
  const [other] = await readAllProgress(client, topic)
  if (other !== undefined) {
    requireOwn(other, stream)
    if (other.stopCode === 'moved')
      throw new Error(`the topic ${topic} was left: ${other.stopReason}. Set the stream's topic to that`)
    return
  }
  const read = await topicsRead(client, stream)
  if (read.length === 0) return
  throw new Error(
    `the topic ${topic} is not one of the stream ${stream} in this warehouse, which reads ${read.join(' and ')}: ` +
      `set its topic back, or take the new one up: pulse streams move ${stream} --topic ${topic}`,
  )
}

/** The topics that a stream reads: not those that it was moved from. */
export async function topicsRead(client: Client, stream: string): Promise<string[]> {
  const { topic, stopCode } = partitionProgress
  const rows = await on(client)
    .selectDistinct({ topic })
    .from(partitionProgress)
    .where(and(eq(partitionProgress.stream, stream), sql`${stopCode} is distinct from 'moved'`))
    .orderBy(topic)
  return rows.map((row) => row.topic)
}

function requireOwn(progress: Progress, stream: string): Progress {
  if (progress.stream === stream) return progress
  throw new Error(
    `the topic ${progress.topic} belongs to the stream ${progress.stream} in this warehouse, not to ${stream}`,
  )
}
