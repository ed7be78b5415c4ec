import { above, BYTES, COUNT, MILLISECONDS, SECONDS, table, TIME } from './panels.ts'
import { FRESHNESS_SECONDS } from './settings.ts'
import { OF_STREAMS, OF_TOPICS } from './streams.ts'

const STATUS = {
  width: 110,
  colors: { succeeded: 'green', running: 'blue', failed: 'red', abandoned: 'orange' },
}

export const partitions = table({
  id: 15,
  title: 'Partitions',
  description:
    'How far is each partition, and does one stand still? The watermark is the next offset to load; the lag is as of the last look. A state other than "running" needs an operator: the reason says why, the runbook what to do.',
  size: [24, 7],
  columns: {
    state: { colors: { running: 'green', moved: 'blue' }, steps: ['red'] },
    consumed: COUNT,
    'longest wait': { ...SECONDS, steps: above(FRESHNESS_SECONDS) },
    lag: COUNT,
    'last look': TIME,
    'newest record': TIME,
  },
  sql: `
    select p.stream, p.topic, p.partition::text as "partition", p.incarnation::text as incarnation,
           coalesce(p.stop_code, 'running') as state, p.next_offset::text as watermark,
           greatest(p.log_end - p.next_offset, 0) as lag, p.log_seen_at as "last look", p.last_timestamp as "newest record",
           coalesce(b.consumed, 0) as consumed, b.wait as "longest wait", p.stop_reason as reason
    from audit.partition_progress p
    left join (
      select topic, partition, sum(consumed) as consumed, max(extract(epoch from loaded_at - oldest_record_at)) as wait
      from audit.pipeline_batches
      where $__timeFilter(loaded_at) and ${OF_TOPICS}
      group by topic, partition
    ) b on b.topic = p.topic and b.partition = p.partition
    where ${OF_STREAMS}
    order by p.stopped_at is null, p.topic, p.partition
    limit 200
  `,
})

export const deadLetters = table({
  id: 18,
  title: 'Newest dead letters',
  description:
    'Which records failed last, and why? The issues name the field. Payloads are not shown here: open the operator console, or pulse dead-letters show, then redrive or dismiss.',
  size: [24, 9],
  columns: {
    time: TIME,
    code: { width: 180 },
    state: { width: 110, colors: { open: 'orange', unpublished: 'red' } },
    bytes: { ...BYTES, width: 90 },
    attempts: { ...COUNT, width: 90 },
  },
  sql: `
    select created_at as "time", code, case when resolved_at is not null then coalesce(resolution, 'resolved')
                                            when published_at is null then 'unpublished' else 'open' end as state,
           (select string_agg(concat_ws(': ', nullif(issue ->> 'field', ''), issue ->> 'message'), '; ')
            from jsonb_array_elements(issues) issue) as issues,
           concat_ws(':', topic, partition, "offset", nullif(incarnation, 1)) as origin,
           value_bytes as bytes, attempts, redrive_of as "redrive of", batch_id as batch
    from audit.dead_letter_list
    where $__timeFilter(created_at) and ${OF_TOPICS}
    order by created_at desc
    limit 50
  `,
})

export const losses = table({
  id: 19,
  title: 'Data losses',
  description:
    'Which offsets did the log drop before they were loaded? Those of the time range, and all that nobody has acknowledged. Ask the producers for what is missing, then: pulse partitions acknowledge-loss.',
  size: [24, 6],
  columns: {
    detected: TIME,
    offsets: COUNT,
    state: { width: 130, colors: { open: 'red', acknowledged: 'green' } },
  },
  sql: `
    select detected_at as detected, case when acknowledged_at is null then 'open' else 'acknowledged' end as state,
           topic, partition::text as "partition", incarnation::text as incarnation, from_offset::text as "from",
           to_offset::text as "to", to_offset - from_offset as offsets, acknowledged_by as by, reason
    from audit.data_losses
    where (acknowledged_at is null or $__timeFilter(detected_at)) and ${OF_TOPICS}
    order by acknowledged_at is not null, detected_at desc
    limit 50
  `,
})

export const failedRuns = table({
  id: 21,
  title: 'Failed runs and why',
  description:
    'What went wrong, and on which worker? Replays and housekeeping too. The offsets stay and the next run tries again; the same error in several runs needs somebody. The run number finds its lines in the log (run_id).',
  size: [24, 7],
  columns: { time: TIME, run: { width: 90 }, status: STATUS, retries: { ...COUNT, width: 90 } },
  sql: `
    select started_at as "time", id::text as run, stream, kind, status, worker, retries, error
    from audit.pipeline_runs
    where status in ('failed', 'abandoned') and $__timeFilter(started_at) and ${OF_STREAMS}
    order by started_at desc
    limit 50
  `,
})

export const runs = table({
  id: 22,
  title: 'Last runs',
  description:
    'What did the last fifty runs do, and which stage took the time? Stage times are sums over the batches of the run, which partitions share side by side, so they may be more than its duration.',
  size: [24, 10],
  columns: {
    time: TIME,
    run: { width: 90 },
    status: STATUS,
    duration: SECONDS,
    consumed: COUNT,
    loaded: COUNT,
    duplicates: COUNT,
    skipped: COUNT,
    'dead letters': COUNT,
    extract: MILLISECONDS,
    validate: MILLISECONDS,
    transform: MILLISECONDS,
    load: MILLISECONDS,
  },
  sql: `
    select r.started_at as "time", r.id::text as run, r.stream, r.kind, r.status, r.worker,
           extract(epoch from coalesce(r.finished_at, now()) - r.started_at) as duration,
           r.consumed, r.loaded, r.duplicate as duplicates, r.skipped, r.dead_lettered as "dead letters",
           b.extract_ms as "extract", b.validate_ms as validate, b.transform_ms as transform, b.load_ms as load
    from (
      select * from audit.pipeline_runs
      where $__timeFilter(started_at) and ${OF_STREAMS}
      order by started_at desc
      limit 50
    ) r
    left join lateral (
      select sum(extract_ms) as extract_ms, sum(validate_ms) as validate_ms, sum(transform_ms) as transform_ms,
             sum(load_ms) as load_ms
      from audit.pipeline_batches
      where run_id = r.id
    ) b on true
    order by r.started_at desc
  `,
})
