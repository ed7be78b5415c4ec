import { sql } from './json.ts'
import { DEAD_LETTER_SHARE, FRESHNESS_SECONDS, SUCCESS_SECONDS } from './limits.ts'
import { above, NEUTRAL, NONE_WANTED, stat } from './panels.ts'
import { PANELS } from './pipeline-panels.ts'
import { COUNT, SECONDS, SHARE, WHOLE_SECONDS } from './units.ts'

export const lastSuccess = stat({
  id: PANELS.lastSuccess,
  title: 'Last successful run',
  description:
    'How long before the end of the time range did a run last succeed? Red: look at the failed runs below, then at the log of the ETL.',
  size: [6, 4],
  ...WHOLE_SECONDS,
  noValue: 'none in this time range',
  steps: above(SUCCESS_SECONDS),
  sql: sql(`
    select extract(epoch from $__timeTo()::timestamptz - max(finished_at)) as seconds
    from audit.pipeline_runs
    where status = 'succeeded' and kind in ('tick', 'manual') and $__timeFilter(started_at)
  `),
})

export const freshness95 = stat({
  id: 3,
  title: 'Freshness, 95th percentile',
  description:
    'How long did records wait in Kafka until they were loaded? For 95 of 100 batches not longer than this. Above a minute: the job does not keep up, see stage durations and scale the workers.',
  size: [6, 4],
  ...SECONDS,
  noValue: 'nothing loaded in this time range',
  steps: above(FRESHNESS_SECONDS),
  sql: sql(`
    select percentile_cont(0.95) within group (order by extract(epoch from loaded_at - oldest_record_at)) as seconds
    from audit.pipeline_batches
    where $__timeFilter(loaded_at)
  `),
})

export const newestRecord = stat({
  id: 4,
  title: 'Age of the newest record',
  description:
    'How old is the newest record that was loaded? It grows when the job stands still, and also when nobody sells: compare with the last successful run.',
  size: [6, 4],
  ...WHOLE_SECONDS,
  noValue: 'nothing loaded in this time range',
  steps: NEUTRAL,
  sql: sql(`
    select extract(epoch from $__timeTo()::timestamptz - max(newest_record_at)) as seconds
    from audit.pipeline_batches
    where $__timeFilter(loaded_at)
  `),
})

export const lag = stat({
  id: 5,
  title: 'Lag',
  description:
    'How many offsets were waiting when runs last looked at their partitions? Some at each look are normal, they are loaded next; a number that grows is not: see freshness. Kafka itself, and pulse status, know the lag of this second.',
  size: [6, 4],
  ...COUNT,
  noValue: 'no partition seen yet',
  steps: NEUTRAL,
  sql: sql(`
    select sum(greatest(log_end - next_offset, 0)) as offsets
    from audit.partition_progress
    where log_seen_at <= $__timeTo()::timestamptz
  `),
})

export const deadLetterShare = stat({
  id: PANELS.deadLetterShare,
  title: 'Dead letters, share',
  description:
    'What share of the records could not be loaded? Yellow or red: find the code and its issues in the newest dead letters below; they can be corrected and sent again.',
  size: [6, 4],
  ...SHARE,
  noValue: 'nothing consumed in this time range',
  steps: above(DEAD_LETTER_SHARE),
  sql: sql(`
    select sum(dead_lettered) / nullif(sum(consumed), 0) as share
    from audit.pipeline_batches
    where $__timeFilter(loaded_at)
  `),
})

export const failedRuns = stat({
  id: 7,
  title: 'Failed runs',
  description:
    'How many runs failed or were abandoned by a dying worker? One now and then heals itself, the next run tries again. Several in a row: read their errors below.',
  size: [6, 4],
  ...COUNT,
  noValue: '0',
  steps: NONE_WANTED,
  sql: sql(`
    select count(*) as runs
    from audit.pipeline_runs
    where status in ('failed', 'abandoned') and kind in ('tick', 'manual') and $__timeFilter(started_at)
  `),
})

export const stoppedPartitions = stat({
  id: PANELS.stopped,
  title: 'Stopped partitions',
  description:
    'How many partitions stand still, now, until an operator lets them go on? See why in the table of partitions, then: pulse partitions continue, or new-incarnation.',
  size: [6, 4],
  ...COUNT,
  noValue: '0',
  steps: NONE_WANTED,
  sql: sql(`
    select count(*) as partitions
    from audit.partition_progress
    where stopped_at <= $__timeTo()::timestamptz
  `),
})

export const openLosses = stat({
  id: PANELS.losses,
  title: 'Data losses to acknowledge',
  description:
    'How many gaps in the log, records that Kafka dropped before they were loaded, has nobody looked at yet? Find out what is missing (table below), then: pulse partitions acknowledge-loss.',
  size: [6, 4],
  ...COUNT,
  noValue: '0',
  steps: NONE_WANTED,
  sql: sql(`
    select count(*) as losses
    from audit.data_losses
    where acknowledged_at is null and detected_at <= $__timeTo()::timestamptz
  `),
})
