import type { Pool } from 'pg'

/** Records a second that were consumed, over the last minutes. */
export interface Throughput {
  readonly last1: number
  readonly last5: number
  readonly last60: number
}

export async function readThroughput(pool: Pool, topic: string): Promise<Throughput> {
  const { rows } = await pool.query<Throughput>(
    `select coalesce(sum(consumed) filter (where loaded_at > now() - interval '1 minute'), 0)::float8 / 60 as last1,
            coalesce(sum(consumed) filter (where loaded_at > now() - interval '5 minutes'), 0)::float8 / 300 as last5,
            coalesce(sum(consumed), 0)::float8 / 3600 as last60
     from audit.pipeline_batches where topic = $1 and loaded_at > now() - interval '1 hour'`,
    [topic],
  )
  return rows[0]!
}

/** How far back a chart goes, and how long each of its points is. */
export const SPANS = {
  '1h': { hours: 1, bucketSeconds: 60, words: 'last hour, by minute' },
  '24h': { hours: 24, bucketSeconds: 900, words: 'last 24 hours, by quarter of an hour' },
} as const
export type Span = keyof typeof SPANS

/** What was loaded in one stretch of time. */
export interface Point {
  /** Its beginning, seconds since the epoch. */
  readonly at: number
  readonly loaded: number
  readonly duplicate: number
  readonly deadLettered: number
  /** From Kafka to the warehouse, for the oldest record of each batch; null without a batch. Percentiles would need a sort. */
  readonly waitedMeanMs: number | null
  readonly waitedWorstMs: number | null
}

/** Oldest first, without a gap; the last one is still going on. */
export async function readPoints(pool: Pool, topic: string, span: Span): Promise<Point[]> {
  const { hours, bucketSeconds } = SPANS[span]
  const { rows } = await pool.query<Point>(
    `with now_bucket as (
       select floor(date_part('epoch', now()) / $3::int8)::int8 * $3::int8 as at
     ), points as (
       select floor(date_part('epoch', loaded_at) / $3::int8)::int8 * $3::int8 as at, sum(loaded)::int8 as loaded,
              sum(duplicate)::int8 as duplicate, sum(dead_lettered)::int8 as dead_lettered,
              avg(date_part('epoch', loaded_at - oldest_record_at)) * 1000 as mean,
              max(date_part('epoch', loaded_at - oldest_record_at)) * 1000 as worst
       from audit.pipeline_batches
       where topic = $1 and loaded_at >= to_timestamp((select at from now_bucket) - $2::int8 * 3600)
       group by 1
     )
     select at, coalesce(loaded, 0) as loaded, coalesce(duplicate, 0) as duplicate,
            coalesce(dead_lettered, 0) as "deadLettered", mean as "waitedMeanMs", worst as "waitedWorstMs"
     from generate_series((select at from now_bucket) - $2::int8 * 3600, (select at from now_bucket), $3::int8) as every (at)
     left join points using (at)
     order by at`,
    [topic, hours, bucketSeconds],
  )
  return rows
}

/** How old data is when it can be queried. Kafka's clock and the warehouse's are compared: they must agree. */
export interface Freshness {
  /** When Kafka stored the newest record that is loaded, and how long ago that was. */
  readonly newestRecordAt: Date | null
  readonly newestRecordAgeMs: number | null
  /** Over the batches of the last hour: from when Kafka stored a batch's oldest record to when it was loaded. */
  readonly batches: number
  readonly waitedP50Ms: number | null
  readonly waitedP95Ms: number | null
  readonly waitedP99Ms: number | null
}

export async function readFreshness(pool: Pool, topic: string): Promise<Freshness> {
  const { rows } = await pool.query<Freshness>(
    `select newest as "newestRecordAt", (extract(epoch from now() - newest) * 1000)::float8 as "newestRecordAgeMs",
            batches, waits[1] as "waitedP50Ms", waits[2] as "waitedP95Ms", waits[3] as "waitedP99Ms"
     from (select max(last_timestamp) as newest from audit.partition_progress where topic = $1) progress,
          (select count(*) as batches, percentile_cont(array[0.5, 0.95, 0.99]) within group (order by waited) as waits
           from (
             select (extract(epoch from loaded_at - oldest_record_at) * 1000)::float8 as waited
             from audit.pipeline_batches
             where loaded_at > now() - interval '1 hour' and oldest_record_at is not null and topic = $1
           ) recent) waits`,
    [topic],
  )
  return rows[0]!
}
