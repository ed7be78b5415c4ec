import type { Pool } from 'pg'
import type { PartitionId } from './progress.ts'

/** How often a worker process ended without a word with a partition in hand, all in a row, while its watermark stood still. */
export interface Crashes {
  readonly count: number
  /** Milliseconds since a run last took the partition up. */
  readonly takenUpAgoMs: number
}

/**
 * Of one row of partition_progress, as a run ($1) finds it: a run that took the partition up and neither ended
 * nor moved the watermark crashed with it in hand. Who is alive after all, and was only slower than the group's
 * patience, is counted too: that costs one smaller batch.
 */
const CRASHES = `
  case when taken_up_offset is distinct from next_offset then 0
       else deaths + (exists (select from audit.pipeline_runs r
                              where r.id = taken_up_by and r.id <> $1 and r.status in ('running', 'abandoned')))::int end`

/** The partitions that crashes lie behind. */
export async function readCrashes(pool: Pool, topic: string, runId: number): Promise<Map<number, Crashes>> {
  const { rows } = await pool.query<Crashes & { partition: number }>(
    `select partition, ${CRASHES} as count,
            (extract(epoch from now() - taken_up_at) * 1000)::float8 as "takenUpAgoMs"
     from audit.partition_progress where topic = $2 and ${CRASHES} > 0`,
    [runId, topic],
  )
  return new Map(rows.map(({ partition, ...crashes }) => [partition, crashes]))
}

/**
 * Writes down that a run has a partition in hand, before it reads a record of it, so that a crash of it
 * would be known. One statement on one row: of two runs that both take it up the second counts the first.
 */
export async function takeUp(pool: Pool, { topic, partition }: PartitionId, runId: number): Promise<void> {
  await pool.query(
    `update audit.partition_progress
     set deaths = ${CRASHES}, taken_up_by = $1, taken_up_at = now(), taken_up_offset = next_offset
     where topic = $2 and partition = $3`,
    [runId, topic, partition],
  )
}
