import type { Pool } from 'pg'

/** A partition as the warehouse knows it: Kafka is not asked, whose silence would keep everybody waiting. */
export interface PartitionLag {
  readonly partition: number
  readonly incarnation: number
  /** The next offset to be loaded. */
  readonly watermark: number
  /** Where the log ended when a run last looked, and when that was; null before the first look. */
  readonly logEnd: number | null
  readonly logSeenAt: Date | null
  /** Offsets from the watermark to that end; null before the first look. */
  readonly lag: number | null
  /** The age of the oldest record that waits, at most: it came after the last one that was loaded. 0 without lag. */
  readonly lagMs: number | null
  /** Offsets a second while batches were worked on, in the last minutes; null where there was none. */
  readonly drainRate: number | null
  /** Offsets a second that came since the last record that was loaded; null without lag. */
  readonly arrivalRate: number | null
  readonly stoppedAt: Date | null
  readonly stopCode: string | null
  readonly stopReason: string | null
}

/** Over how many minutes the rate of draining is taken. */
export const RATE_MINUTES = 5

export async function readPartitions(pool: Pool, topic: string): Promise<PartitionLag[]> {
  const { rows } = await pool.query<PartitionLag>(
    `select p.partition, p.incarnation, p.next_offset as watermark, p.log_end as "logEnd", p.log_seen_at as "logSeenAt",
            l.lag, case when l.lag = 0 then 0 else (extract(epoch from now() - p.last_timestamp) * 1000)::float8 end as "lagMs",
            recent.rate as "drainRate",
            case when l.lag > 0 and p.log_seen_at > p.last_timestamp
                 then l.lag / extract(epoch from p.log_seen_at - p.last_timestamp)::float8 end as "arrivalRate",
            p.stopped_at as "stoppedAt", p.stop_code as "stopCode", p.stop_reason as "stopReason"
     from audit.partition_progress p
     cross join lateral (select greatest(p.log_end - p.next_offset, 0) as lag where p.log_end is not null
                         union all select null where p.log_end is null) l
     left join (
       select partition, incarnation, sum(to_offset - from_offset) * 1000
                / nullif(sum(extract_ms + validate_ms + transform_ms + load_ms), 0) as rate
       from audit.pipeline_batches
       where topic = $1 and loaded_at > now() - make_interval(mins => $2)
       group by partition, incarnation
     ) recent using (partition, incarnation)
     where p.topic = $1 order by p.partition`,
    [topic, RATE_MINUTES],
  )
  return rows
}

/** Where a partition's lag goes. `clearMs` is null where it doesn't end at this rate. */
export type Outlook =
  | { readonly trend: 'none' | 'unknown' | 'halted' }
  | { readonly trend: 'shrinking' | 'growing' | 'steady'; readonly clearMs: number | null }

/** Rates that differ by less than this share are the same. */
const STEADY = 0.05

/**
 * Whether a run works the lag off faster than records arrive, and how long it has to if both rates stay as
 * they are. Unknown where nothing was loaded lately or nothing is known of what arrives.
 *
 * @param paused nothing is worked off then, nor on a partition that is stopped.
 */
export function outlook(
  {
    lag,
    drainRate,
    arrivalRate,
    stopCode,
  }: Pick<PartitionLag, 'lag' | 'drainRate' | 'arrivalRate' | 'stopCode'>,
  paused: boolean,
): Outlook {
  if (lag === 0) return { trend: 'none' }
  if (paused || stopCode !== null) return { trend: 'halted' }
  if (lag === null || drainRate === null || arrivalRate === null) return { trend: 'unknown' }
  const gain = drainRate - arrivalRate
  const trend = Math.abs(gain) <= STEADY * arrivalRate ? 'steady' : gain > 0 ? 'shrinking' : 'growing'
  return { trend, clearMs: trend === 'shrinking' ? (lag / gain) * 1_000 : null }
}
