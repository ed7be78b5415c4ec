import type { Pool } from 'pg'

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
