import { sql } from './json.ts'
import { FRESHNESS_SECONDS } from './limits.ts'
import { above, timeSeries } from './panels.ts'
import { PANELS } from './pipeline-panels.ts'
import { COUNT, PER_SECOND } from './units.ts'

export const freshness = timeSeries({
  id: PANELS.freshness,
  title: 'Freshness by partition',
  description:
    'How long did the oldest record of each batch wait, at worst? Dashed: where the alert PulseDataStale fires. All partitions high: too little capacity, or an outage just ended. One high: is its worker ill?',
  size: [12, 8],
  unit: 's',
  noValue: 'nothing loaded in this time range',
  steps: above(FRESHNESS_SECONDS),
  sql: sql(`
    select $__timeGroupAlias(loaded_at, $__interval), 'partition ' || partition as metric,
           max(extract(epoch from loaded_at - oldest_record_at)) as wait
    from audit.pipeline_batches
    where $__timeFilter(loaded_at)
    group by 1, 2
    order by 1, 2
  `),
})

export const outcomes = timeSeries({
  id: 12,
  title: 'What became of the records, per second',
  description:
    'How much goes through, and how much of it is loaded, a duplicate, or a dead letter? Together they are what was consumed. Many duplicates: a producer repeats itself, no harm done.',
  size: [12, 8],
  ...PER_SECOND,
  noValue: 'nothing consumed in this time range',
  colors: { loaded: 'green', duplicates: 'blue', 'dead letters': 'red' },
  sql: sql(`
    select $__timeGroupAlias(loaded_at, $__interval, 0),
           sum(loaded) * 1000.0 / $__interval_ms as loaded,
           sum(duplicate) * 1000.0 / $__interval_ms as duplicates,
           sum(dead_lettered) * 1000.0 / $__interval_ms as "dead letters"
    from audit.pipeline_batches
    where $__timeFilter(loaded_at)
    group by 1
    order by 1
  `),
})

export const stages = timeSeries({
  id: 13,
  title: 'Duration of a batch, by stage',
  description:
    'Which stage takes the time, on average? Extract: Kafka or the network. Validate, transform: the CPU of the worker. Load: Postgres, its locks or its disk.',
  size: [12, 8],
  unit: 'ms',
  noValue: 'nothing loaded in this time range',
  sql: sql(`
    select $__timeGroupAlias(loaded_at, $__interval), avg(extract_ms) as "extract", avg(validate_ms) as validate,
           avg(transform_ms) as transform, avg(load_ms) as load
    from audit.pipeline_batches
    where $__timeFilter(loaded_at)
    group by 1
    order by 1
  `),
})

export const runDuration = timeSeries({
  id: 14,
  title: 'Duration of a run',
  description:
    'Does a run end before the next is due? Above the dashed line (30 seconds) runs follow one another without a pause: scale the workers, or a backlog is being worked off.',
  size: [12, 8],
  unit: 's',
  noValue: 'no run ended in this time range',
  steps: ['green', [30, 'yellow']],
  colors: { longest: 'orange', average: 'blue' },
  sql: sql(`
    select $__timeGroupAlias(started_at, $__interval), max(extract(epoch from finished_at - started_at)) as longest,
           avg(extract(epoch from finished_at - started_at)) as average
    from audit.pipeline_runs
    where $__timeFilter(started_at) and finished_at is not null and kind in ('tick', 'manual')
    group by 1
    order by 1
  `),
})

export const deadLettersByCode = timeSeries({
  id: 17,
  title: 'Dead letters by code',
  description:
    'What goes wrong with records, and since when? schema_violation or malformed_json: talk to the producer. conflicting_duplicate: the same order with other values. rejected_by_warehouse: see its issues.',
  size: [24, 7],
  ...COUNT,
  noValue: 'no dead letters in this time range',
  style: 'bars',
  sql: sql(`
    select $__timeGroupAlias(created_at, $__interval), code as metric, count(*) as "dead letters"
    from audit.dead_letter_list
    where $__timeFilter(created_at)
    group by 1, 2
    order by 1, 2
  `),
})
