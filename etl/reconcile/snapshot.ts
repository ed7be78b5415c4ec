import type { Snapshot } from '../postgres/snapshot.ts'
import { GONE_AFTER_SECONDS } from '../ledger/runs.ts'
import { topicsOf } from '../ledger/watermark.ts'
import { eq, getTableColumns, sql } from '../postgres/drizzle.ts'
import { on } from '../postgres/query.ts'
import { partitionProgress, partitionStarts } from '../schema/audit.ts'
import type { Stream } from '../stream/compile.ts'

export { inSnapshot, type Snapshot } from '../postgres/snapshot.ts'

/**
 * The condition that a row of audit is of a stream's topics, present or past. Rows of a topic that is no stream's are
 * lost property: every stream's proof tells of them.
 */
export const ofStream = (stream: string): string =>
  `topic not in (select topic from audit.partition_progress where stream <> '${stream}')`

/**
 * The snapshot's time by the warehouse's clock, and in it the watermarks of a stream's topics, where these were begun by declaration, and
 * how many workers run it.
 */
export async function readWatermarks(snapshot: Snapshot, { name }: Pick<Stream, 'name'>) {
  const { topic, partition, stream } = partitionProgress
  const progress = await on(snapshot)
    .select()
    .from(partitionProgress)
    .where(eq(stream, name))
    .orderBy(topic, partition)
  const { rows } = await snapshot.query<{ at: Date; workers: number }>(
    `select now() as at, (select count(*) from audit.workers
       where stream = $1 and seen_at > now() - make_interval(secs => $2)) as workers`,
    [name, GONE_AFTER_SECONDS],
  )
  const starts = await on(snapshot)
    .select(getTableColumns(partitionStarts))
    .from(partitionStarts)
    .where(sql`${partitionStarts.topic} = any(${topicsOf(name)})`)
    .orderBy(partitionStarts.topic, partitionStarts.partition)
  const { at, workers } = rows[0]!
  return { at, progress, workers, starts }
}
export type Watermarks = Awaited<ReturnType<typeof readWatermarks>>
