import type { ClientBase, Pool } from 'pg'
import { and, eq, isNull, sql } from '../postgres/drizzle.ts'
import { on } from '../postgres/query.ts'
import { dataLosses } from '../schema/audit.ts'
import type { PartitionId, Progress } from './watermark.ts'

/** Records offsets that the log lost before we came to them, and steps over them: both or neither. */
export async function recordDataLoss(client: ClientBase, seen: Progress, logStart: number): Promise<void> {
  await client.query(
    `insert into audit.data_losses (topic, partition, incarnation, from_offset, to_offset) values ($1, $2, $3, $4, $5)`,
    [seen.topic, seen.partition, seen.incarnation, seen.nextOffset, logStart],
  )
  await client.query(
    `update audit.partition_progress set next_offset = $3, log_start = $3, updated_at = now() where topic = $1 and partition = $2`,
    [seen.topic, seen.partition, logStart],
  )
}

/**
 * Steps over offsets that are to stay unread, and records them as a loss that is acknowledged. The caller has locked the
 * partition's watermark.
 */
export async function abandonOffsets(
  client: ClientBase,
  { topic, partition }: PartitionId,
  to: number,
  { by, reason }: { readonly by: string; readonly reason: string },
): Promise<void> {
  await client.query(
    `insert into audit.data_losses
       (topic, partition, incarnation, from_offset, to_offset, acknowledged_at, acknowledged_by, reason)
     select topic, partition, incarnation, next_offset, $3, now(), $4, $5
     from audit.partition_progress where topic = $1 and partition = $2`,
    [topic, partition, to, by, reason],
  )
  await client.query(
    'update audit.partition_progress set next_offset = $3, updated_at = now() where topic = $1 and partition = $2',
    [topic, partition, to],
  )
}

/** Offsets of each partition of a topic that were lost and that nobody has acknowledged. */
export async function unacknowledgedLosses(pool: Pool, topic: string): Promise<Map<number, number>> {
  const { partition, fromOffset, toOffset, acknowledgedAt } = dataLosses
  const rows = await on(pool)
    .select({ partition, offsets: sql<number>`sum(${toOffset} - ${fromOffset})::bigint` })
    .from(dataLosses)
    .where(and(eq(dataLosses.topic, topic), isNull(acknowledgedAt)))
    .groupBy(partition)
  return new Map(rows.map((row) => [row.partition, row.offsets]))
}
