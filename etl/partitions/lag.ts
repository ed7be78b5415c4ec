import type { Pool } from 'pg'
import { alias, sql } from '../postgres/drizzle.ts'
import { columnsOf, read, type Row } from '../postgres/query.ts'
import { partitionProgress, pipelineBatches } from '../schema/audit.ts'

const p = alias(partitionProgress, 'p')
const b = pipelineBatches

const LAG = {
  partition: p.partition,
  incarnation: p.incarnation,
  /** The next offset to be loaded. */
  watermark: p.nextOffset,
  /** Where the log ended when a run last looked, and when that was; null before the first look. */
  logEnd: p.logEnd,
  logSeenAt: p.logSeenAt,
  /** Offsets from the watermark to that end; null before the first look. */
  lag: sql<number | null>`l.lag`,
  /** The age of the oldest record that waits, at most: it came after the last one that was loaded. 0 without lag. */
  lagMs: sql<number | null>`case when l.lag = 0 then 0
    else (extract(epoch from now() - ${p.lastTimestamp}) * 1000)::float8 end`,
  /** Offsets a second while batches were worked on, in the last minutes; null where there was none. */
  drainRate: sql<number | null>`recent.rate`,
  /** Offsets a second that came since the last record that was loaded; null without lag. */
  arrivalRate: sql<number | null>`case when l.lag > 0 and ${p.logSeenAt} > ${p.lastTimestamp}
    then l.lag / extract(epoch from ${p.logSeenAt} - ${p.lastTimestamp})::float8 end`,
  ...columnsOf(p, 'stoppedAt', 'stopCode', 'stopReason'),
}

/** A partition as the warehouse knows it: Kafka is not asked, whose silence would keep everybody waiting. */
export type PartitionLag = Row<typeof LAG>

/** Over how many minutes the rate of draining is taken. */
export const RATE_MINUTES = 5

export function readPartitions(pool: Pool, topic: string): Promise<PartitionLag[]> {
  return read(
    pool,
    LAG,
    (columns) => sql`
      select ${columns}
      from ${partitionProgress} p
      cross join lateral (select greatest(${p.logEnd} - ${p.nextOffset}, 0) as lag where ${p.logEnd} is not null
                          union all select null where ${p.logEnd} is null) l
      left join (
        select ${b.partition}, ${b.incarnation}, sum(${b.toOffset} - ${b.fromOffset}) * 1000
                 / nullif(sum(${b.extractMs} + ${b.validateMs} + ${b.transformMs} + ${b.loadMs}), 0) as rate
        from ${b}
        where ${b.topic} = ${topic} and ${b.loadedAt} > now() - make_interval(mins => ${RATE_MINUTES})
        group by ${b.partition}, ${b.incarnation}
      ) recent using (partition, incarnation)
      where ${p.topic} = ${topic} order by partition`,
  )
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
  seen: Pick<PartitionLag, 'lag' | 'drainRate' | 'arrivalRate' | 'stopCode'>,
  paused: boolean,
): Outlook {
  const { lag, drainRate, arrivalRate, stopCode } = seen
  if (lag === 0) return { trend: 'none' }
  if (paused || stopCode !== null) return { trend: 'halted' }
  if (lag === null || drainRate === null || arrivalRate === null) return { trend: 'unknown' }
  const gain = drainRate - arrivalRate
  const trend = Math.abs(gain) <= STEADY * arrivalRate ? 'steady' : gain > 0 ? 'shrinking' : 'growing'
  return { trend, clearMs: trend === 'shrinking' ? (lag / gain) * 1_000 : null }
}
