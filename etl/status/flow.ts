import type { SQL } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'
import type { Pool } from 'pg'
import { and, eq, sql } from '../postgres/drizzle.ts'
import { on, read, type Row } from '../postgres/query.ts'
import { partitionProgress, pipelineBatches } from '../schema/audit.ts'

const { consumed, loaded, duplicate, skipped, deadLettered, loadedAt, oldestRecordAt } = pipelineBatches

const THROUGHPUT = {
  last1: sql<number>`coalesce(sum(${consumed}) filter (where ${loadedAt} > now() - interval '1 minute'), 0)::float8 / 60`,
  last5: sql<number>`coalesce(sum(${consumed}) filter (where ${loadedAt} > now() - interval '5 minutes'), 0)::float8 / 300`,
  last60: sql<number>`coalesce(sum(${consumed}), 0)::float8 / 3600`,
}
/** Records a second that were consumed, over the last minutes. */
export type Throughput = Row<typeof THROUGHPUT>

export async function readThroughput(pool: Pool, topic: string): Promise<Throughput> {
  const [throughput] = await on(pool)
    .select(THROUGHPUT)
    .from(pipelineBatches)
    .where(and(eq(pipelineBatches.topic, topic), sql`${loadedAt} > now() - interval '1 hour'`))
  return throughput!
}

/** How far back a chart goes, and how long each of its points is. */
export const SPANS = {
  '1h': { hours: 1, bucketSeconds: 60, words: 'last hour, by minute' },
  '24h': { hours: 24, bucketSeconds: 900, words: 'last 24 hours, by quarter of an hour' },
} as const
export type Span = keyof typeof SPANS

const POINT = {
  /** Its beginning, seconds since the epoch. */
  at: sql<number>`at`,
  loaded: sql<number>`coalesce(loaded, 0)`,
  duplicate: sql<number>`coalesce(duplicate, 0)`,
  skipped: sql<number>`coalesce(skipped, 0)`,
  deadLettered: sql<number>`coalesce(dead_lettered, 0)`,
  /** From Kafka to the warehouse, for the oldest record of each batch; null without a batch. Percentiles would need a sort. */
  waitedMeanMs: sql<number | null>`mean`,
  waitedWorstMs: sql<number | null>`worst`,
}
/** What was loaded in one stretch of time. */
export type Point = Row<typeof POINT>

/** Oldest first, without a gap; the last one is still going on. */
export function readPoints(pool: Pool, topic: string, span: Span): Promise<Point[]> {
  const { hours, bucketSeconds } = SPANS[span]
  const bucketOf = (time: SQL | PgColumn) =>
    sql`floor(date_part('epoch', ${time}) / ${bucketSeconds}::int8)::int8 * ${bucketSeconds}::int8`
  const first = sql`(select at from now_bucket) - ${hours}::int8 * 3600`
  const waitedMs = sql`date_part('epoch', ${loadedAt} - ${oldestRecordAt}) * 1000`
  return read(
    pool,
    POINT,
    (columns) => sql`
      with now_bucket as (
        select ${bucketOf(sql`now()`)} as at
      ), points as (
        select ${bucketOf(loadedAt)} as at, sum(${loaded})::int8 as loaded, sum(${duplicate})::int8 as duplicate,
               sum(${skipped})::int8 as skipped, sum(${deadLettered})::int8 as dead_lettered, avg(${waitedMs}) as mean, max(${waitedMs}) as worst
        from ${pipelineBatches}
        where ${pipelineBatches.topic} = ${topic} and ${loadedAt} >= to_timestamp(${first})
        group by 1
      )
      select ${columns}
      from generate_series(${first}, (select at from now_bucket), ${bucketSeconds}::int8) as every (at)
      left join points using (at)
      order by at`,
  )
}

const FRESHNESS = {
  /** When Kafka stored the newest record that is loaded, and how long ago that was. */
  newestRecordAt: sql<Date | null>`newest`,
  newestRecordAgeMs: sql<number | null>`(extract(epoch from now() - newest) * 1000)::float8`,
  /** Over the batches of the last hour: from when Kafka stored a batch's oldest record to when it was loaded. */
  batches: sql<number>`batches`,
  waitedP50Ms: sql<number | null>`waits[1]`,
  waitedP95Ms: sql<number | null>`waits[2]`,
  waitedP99Ms: sql<number | null>`waits[3]`,
}
/** How old data is when it can be queried. Kafka's clock and the warehouse's are compared: they must agree. */
export type Freshness = Row<typeof FRESHNESS>

export async function readFreshness(pool: Pool, topic: string): Promise<Freshness> {
  const [freshness] = await read(
    pool,
    FRESHNESS,
    (columns) => sql`
      select ${columns}
      from (select max(${partitionProgress.lastTimestamp}) as newest from ${partitionProgress}
            where ${partitionProgress.topic} = ${topic}) progress,
           (select count(*) as batches, percentile_cont(array[0.5, 0.95, 0.99]) within group (order by waited) as waits
            from (
              select (extract(epoch from ${loadedAt} - ${oldestRecordAt}) * 1000)::float8 as waited
              from ${pipelineBatches}
              where ${loadedAt} > now() - interval '1 hour' and ${oldestRecordAt} is not null
                and ${pipelineBatches.topic} = ${topic}
            ) recent) waits`,
  )
  return freshness!
}
