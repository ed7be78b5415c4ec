import type { ClientBase, Pool } from 'pg'
import { and, eq, isNull, sql } from '../postgres/drizzle.ts'
import { on } from '../postgres/query.ts'
import { dataLosses } from '../schema/audit.ts'
import type { Progress } from './watermark.ts'

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
