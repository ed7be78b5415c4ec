import type { Pool } from 'pg'
import type { SQL } from 'drizzle-orm'
import { and, eq, gt, sql } from '../postgres/drizzle.ts'
import { on } from '../postgres/query.ts'
import { partitionProgress, pipelineRuns } from '../schema/audit.ts'
import type { PartitionId } from './watermark.ts'

/** How often a worker process ended without a word with a partition in hand, all in a row, while its watermark stood still. */
export interface Crashes {
  readonly count: number
  /** Milliseconds since a run last took the partition up. */
  readonly takenUpAgoMs: number
}

/**
 * Of one row of partition_progress, as a run finds it: a run that took the partition up and neither ended
 * nor moved the watermark crashed with it in hand. Who is alive after all, and was only slower than the group's
 * patience, is counted too: that costs one smaller batch.
 */
const crashesAsOf = (runId: number): SQL<number> => {
  const { takenUpOffset, nextOffset, deaths, takenUpBy } = partitionProgress
  const { id, status } = pipelineRuns
  return sql`
    case when ${takenUpOffset} is distinct from ${nextOffset} then 0
         else ${deaths} + (exists (select from ${pipelineRuns}
                                   where ${id} = ${takenUpBy} and ${id} <> ${runId}
                                     and ${status} in ('running', 'abandoned')))::int end`
}

/** The partitions that crashes lie behind. */
export async function readCrashes(pool: Pool, topic: string, runId: number): Promise<Map<number, Crashes>> {
  const { partition, takenUpAt } = partitionProgress
  const count = crashesAsOf(runId)
  const rows = await on(pool)
    .select({
      partition,
      count,
      takenUpAgoMs: sql<number>`(extract(epoch from now() - ${takenUpAt}) * 1000)::float8`,
    })
    .from(partitionProgress)
    .where(and(eq(partitionProgress.topic, topic), gt(count, 0)))
  return new Map(rows.map(({ partition: of, ...crashes }) => [of, crashes]))
}

/**
 * Writes down that a run has a partition in hand, before it reads a record of it, so that a crash of it
 * would be known. One statement on one row: of two runs that both take it up the second counts the first.
 */
export async function takeUp(pool: Pool, { topic, partition }: PartitionId, runId: number): Promise<void> {
  await on(pool)
    .update(partitionProgress)
    .set({
      deaths: crashesAsOf(runId),
      takenUpBy: runId,
      takenUpAt: sql`now()`,
      takenUpOffset: sql`${partitionProgress.nextOffset}`,
    })
    .where(and(eq(partitionProgress.topic, topic), eq(partitionProgress.partition, partition)))
}
