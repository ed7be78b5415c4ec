import { DEAD_LETTER_SHARE, FRESHNESS_SECONDS, SUCCESS_SECONDS } from './settings.ts'
import {
  COUNT,
  NEUTRAL,
  NONE_WANTED,
  PER_SECOND,
  SECONDS,
  SHARE,
  WHOLE_SECONDS,
  above,
  stat,
  timeSeries,
} from './panels.ts'
import { OF_STREAMS, OF_TOPICS, SEVERAL } from './streams.ts'

export const lastSuccess = stat({
  id: 2,
  title: 'Last successful run',
  description:
    'How long before the end of the time range did a run last succeed? Red: look at the failed runs below, then at the log of the ETL.',
  ...WHOLE_SECONDS,
  noValue: 'none in this time range',
  steps: above(SUCCESS_SECONDS),
  sql: `
    select extract(epoch from $__timeTo()::timestamptz - max(finished_at)) as seconds
    from audit.pipeline_runs
    where status = 'succeeded' and kind in ('tick', 'manual') and $__timeFilter(started_at)
      and ${OF_STREAMS}
  `,
})

export const freshness95 = stat({
  id: 3,
  title: 'Freshness, 95th percentile',
  description:
    'How long did records wait in Kafka until they were loaded? For 95 of 100 batches not longer than this. Above a minute: the job does not keep up, see stage durations and scale the workers.',
  ...SECONDS,
  noValue: 'nothing loaded in this time range',
  steps: above(FRESHNESS_SECONDS),
  sql: `
    select percentile_cont(0.95) within group (order by extract(epoch from loaded_at - oldest_record_at)) as seconds
    from audit.pipeline_batches
    where $__timeFilter(loaded_at) and ${OF_TOPICS}
  `,
})

export const newestRecord = stat({
  id: 4,
  title: 'Age of the newest record',
  description:
    'How old is the newest record that was loaded? It grows when the job stands still, and also when nobody sells: compare with the last successful run.',
  ...WHOLE_SECONDS,
  noValue: 'nothing loaded in this time range',
  steps: NEUTRAL,
  sql: `
    select extract(epoch from $__timeTo()::timestamptz - max(newest_record_at)) as seconds
    from audit.pipeline_batches
    where $__timeFilter(loaded_at) and ${OF_TOPICS}
  `,
})

export const lag = stat({
  id: 5,
  title: 'Lag',
  description:
    'How many offsets were waiting when runs last looked at their partitions? Some at each look are normal, they are loaded next; a number that grows is not: see freshness. Kafka itself, and pulse status, know the lag of this second.',
  ...COUNT,
  noValue: 'no partition seen yet',
  steps: NEUTRAL,
  sql: `
    select sum(greatest(log_end - next_offset, 0)) as offsets
    from audit.partition_progress
    where log_seen_at <= $__timeTo()::timestamptz and ${OF_STREAMS}
  `,
})

export const deadLetterShare = stat({
  id: 6,
  title: 'Dead letters, share',
  description:
    'What share of the records could not be loaded? Yellow or red: find the code and its issues in the newest dead letters below; they can be corrected and sent again.',
  ...SHARE,
  noValue: 'nothing consumed in this time range',
  steps: above(DEAD_LETTER_SHARE),
  sql: `
    select sum(dead_lettered) / nullif(sum(consumed), 0) as share
    from audit.pipeline_batches
    where $__timeFilter(loaded_at) and ${OF_TOPICS}
  `,
})

export const failedRuns = stat({
  id: 7,
  title: 'Failed runs',
  description:
    'How many runs failed or were abandoned by a dying worker? One now and then heals itself, the next run tries again. Several in a row: read their errors below.',
  ...NONE_WANTED,
  sql: `
    select count(*) as runs
    from audit.pipeline_runs
    where status in ('failed', 'abandoned') and kind in ('tick', 'manual') and $__timeFilter(started_at)
      and ${OF_STREAMS}
  `,
})

export const stoppedPartitions = stat({
  id: 8,
  title: 'Stopped partitions',
  description:
    'How many partitions stand still, now, until an operator lets them go on? See why in the table of partitions, then: pulse partitions continue, or new-incarnation.',
  ...NONE_WANTED,
  sql: `
    select count(*) as partitions
    from audit.partition_progress
    where stopped_at <= $__timeTo()::timestamptz and stop_code <> 'moved' and ${OF_STREAMS}
  `,
})

export const openLosses = stat({
  id: 9,
  title: 'Data losses to acknowledge',
  description:
    'How many gaps in the log, records that Kafka dropped before they were loaded, has nobody looked at yet? Find out what is missing (table below), then: pulse partitions acknowledge-loss.',
  ...NONE_WANTED,
  sql: `
    select count(*) as losses
    from audit.data_losses
    where acknowledged_at is null and detected_at <= $__timeTo()::timestamptz and ${OF_TOPICS}
  `,
})

export const freshness = timeSeries({
  id: 11,
  title: 'Freshness by partition',
  description:
    'How long did the oldest record of each batch wait, at worst? Dashed: where the alert PulseDataStale fires. All partitions high: too little capacity, or an outage just ended. One high: is its worker ill?',
  unit: 's',
  noValue: 'nothing loaded in this time range',
  steps: above(FRESHNESS_SECONDS),
  sql: `
    select $__timeGroupAlias(loaded_at, $__interval), 'partition ' || partition || case when ${SEVERAL} then ' of ' || topic else '' end as metric,
           max(extract(epoch from loaded_at - oldest_record_at)) as wait
    from audit.pipeline_batches
    where $__timeFilter(loaded_at) and ${OF_TOPICS}
    group by 1, 2
    order by 1, 2
  `,
})

export const outcomes = timeSeries({
  id: 12,
  title: 'What became of the records, per second',
  description:
    'How much goes through, and how much of it is loaded, a duplicate, skipped (no row, by its envelope), or a dead letter? Together they are what was consumed. Many duplicates: a producer repeats itself, no harm done.',
  ...PER_SECOND,
  noValue: 'nothing consumed in this time range',
  colors: { loaded: 'green', duplicates: 'blue', skipped: 'purple', 'dead letters': 'red' },
  sql: `
    select $__timeGroupAlias(loaded_at, $__interval, 0),
           sum(loaded) * 1000.0 / $__interval_ms as loaded,
           sum(duplicate) * 1000.0 / $__interval_ms as duplicates,
           sum(skipped) * 1000.0 / $__interval_ms as skipped,
           sum(dead_lettered) * 1000.0 / $__interval_ms as "dead letters"
    from audit.pipeline_batches
    where $__timeFilter(loaded_at) and ${OF_TOPICS}
    group by 1
    order by 1
  `,
})

export const stages = timeSeries({
  id: 13,
  title: 'Duration of a batch, by stage',
  description:
    'Which stage takes the time, on average? Extract: Kafka or the network. Validate, transform: the CPU of the worker. Load: Postgres, its locks or its disk.',
  unit: 'ms',
  noValue: 'nothing loaded in this time range',
  sql: `
    select $__timeGroupAlias(loaded_at, $__interval), avg(extract_ms) as "extract", avg(validate_ms) as validate,
           avg(transform_ms) as transform, avg(load_ms) as load
    from audit.pipeline_batches
    where $__timeFilter(loaded_at) and ${OF_TOPICS}
    group by 1
    order by 1
  `,
})

export const runDuration = timeSeries({
  id: 14,
  title: 'Duration of a run',
  description:
    'Does a run end before the next is due? Above the dashed line (30 seconds) runs follow one another without a pause: scale the workers, or a backlog is being worked off.',
  unit: 's',
  noValue: 'no run ended in this time range',
  steps: ['green', [30, 'yellow']],
  colors: { longest: 'orange', average: 'blue' },
  sql: `
    select $__timeGroupAlias(started_at, $__interval), max(extract(epoch from finished_at - started_at)) as longest,
           avg(extract(epoch from finished_at - started_at)) as average
    from audit.pipeline_runs
    where $__timeFilter(started_at) and finished_at is not null and kind in ('tick', 'manual')
      and ${OF_STREAMS}
    group by 1
    order by 1
  `,
})

export const deadLettersByCode = timeSeries({
  id: 17,
  title: 'Dead letters by code',
  description:
    'What goes wrong with records, and since when? schema_violation or malformed_json: talk to the producer. conflicting_duplicate: the same order with other values. rejected_by_warehouse: see its issues. incomplete_row: the source table lacks REPLICA IDENTITY FULL. unknown_schema: the schema registry does not have it.',
  size: [24, 7],
  ...COUNT,
  noValue: 'no dead letters in this time range',
  style: 'bars',
  sql: `
    select $__timeGroupAlias(created_at, $__interval), code as metric, count(*) as "dead letters"
    from audit.dead_letter_list
    where $__timeFilter(created_at) and ${OF_TOPICS}
    group by 1, 2
    order by 1, 2
  `,
})
