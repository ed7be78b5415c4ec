import { partOf } from '../../etl/installation.ts'
import { QUIET, type Alert } from './alert-file.ts'
import * as charts from './pipeline-charts.ts'
import { PIPELINE_UID } from './pipeline.ts'
import { DEAD_LETTER_MIN_RECORDS, DEAD_LETTER_SHARE, FRESHNESS_SECONDS, SUCCESS_SECONDS } from './settings.ts'

const PIPELINE = { ...QUIET, owner: 'operations', scope: 'pipeline' } as const
/** A stop or a loss is a fact: there is nothing to wait for. */
const AT_ONCE = { range: 60, above: 0, pending: '0s', keepFiringFor: '1m' } as const

/** Whether an operator has paused a stream, or all of them. */
const isPaused = (stream: string) =>
  `exists (select from audit.control c where c.paused_at is not null and c.stream in ('', ${stream}))`

export const ALERTS: readonly Alert[] = [
  {
    title: 'PulseNoSuccessfulRun',
    severity: 'critical',
    ...PIPELINE,
    summary: 'No run of a stream has succeeded for three minutes',
    description:
      'Of {{ $labels.stream }} the last sign of success is {{ humanizeDuration $values.A.Value }} old. Records wait in Kafka, nothing is lost. (The same alert fires when Grafana cannot query the warehouse.)',
    panel: [PIPELINE_UID, charts.lastSuccess.id],
    // A run that works off a backlog may take minutes: as long as it loads, it counts. Six hours: never.
    // Replays and housekeeping load nothing, so that their success says nothing. Whoever has paused the job knows.
    sql: `
      select s.name as stream,
             case when ${isPaused('s.name')} then 0
                  else coalesce(extract(epoch from now() - max(at)), 21600) end as seconds
      from audit.streams s
      left join (
        select stream, max(finished_at) as at from audit.pipeline_runs
        where status = 'succeeded' and kind in ('tick', 'manual') and $__timeFilter(started_at)
        group by stream
        union all
        select r.stream, max(b.loaded_at)
        from audit.pipeline_batches b join audit.pipeline_runs r on r.id = b.run_id
        where r.status = 'running' and b.loaded_at > now() - interval '${SUCCESS_SECONDS.alarm} seconds'
        group by r.stream
      ) signs on signs.stream = s.name
      where s.retired_at is null
      group by s.name
    `,
    range: 21_600,
    above: SUCCESS_SECONDS.alarm,
    pending: '30s',
    keepFiringFor: '1m',
    noData: 'Alerting',
    queryFailed: 'Alerting',
  },
  {
    title: 'PulseDataStale',
    severity: 'warning',
    ...PIPELINE,
    summary: 'Records wait more than a minute before they are loaded',
    description:
      'Partition {{ $labels.partition }} of {{ $labels.topic }}: what was loaded last had waited {{ humanizeDuration $values.A.Value }}, or no run has looked at the partition for so long.',
    panel: [PIPELINE_UID, charts.freshness.id],
    // A quiet topic loads nothing, but runs look at it, so it is no alarm. A partition that nobody owns
    // loads nothing either, and is one. Not one that is stopped, which has an alert of its own, nor one of
    // a topic that has not been read for a day.
    sql: `
      select topic, partition::text as "partition", max(seconds) as seconds
      from (
        select topic, partition, extract(epoch from loaded_at - oldest_record_at) as seconds
        from audit.pipeline_batches
        where $__timeFilter(loaded_at) and oldest_record_at is not null
        union all
        select topic, partition, extract(epoch from now() - greatest(log_seen_at, updated_at))
        from audit.partition_progress
        where stopped_at is null and log_seen_at > now() - interval '1 day'
      ) waits
      where topic in (select p.topic from audit.partition_progress p where not ${isPaused('p.stream')})
      group by topic, partition
    `,
    range: 120,
    above: FRESHNESS_SECONDS.alarm,
    recovered: FRESHNESS_SECONDS.recovered,
    // Longer than the range, so that the first tick after a short outage is not an alarm.
    pending: '3m',
    keepFiringFor: '2m',
  },
  {
    title: 'PulsePartitionStopped',
    severity: 'critical',
    ...PIPELINE,
    summary: 'A partition stands still until an operator lets it go on',
    description:
      "Partition {{ $labels.partition }} of {{ $labels.topic }} stopped with the code {{ $labels.stop_code }}. Its records wait in Kafka; they are lost when the topic's retention takes them.",
    panel: [PIPELINE_UID, charts.stoppedPartitions.id],
    sql: `
      select topic, partition::text as "partition", stop_code, 1 as stopped
      from audit.partition_progress
      where stopped_at is not null and stop_code <> 'moved'
    `,
    ...AT_ONCE,
  },
  {
    title: 'PulseDataLoss',
    severity: 'critical',
    ...PIPELINE,
    summary: 'Kafka dropped records before they were loaded',
    description:
      '{{ $values.A.Value }} offsets of partition {{ $labels.partition }} of {{ $labels.topic }} are gone and nobody has acknowledged it.',
    panel: [PIPELINE_UID, charts.openLosses.id],
    sql: `
      select topic, partition::text as "partition", sum(to_offset - from_offset) as offsets
      from audit.data_losses
      where acknowledged_at is null
      group by topic, partition
    `,
    ...AT_ONCE,
  },
  {
    title: 'PulseDeadLettersHigh',
    severity: 'warning',
    ...PIPELINE,
    summary: 'More than 5 % of the records become dead letters',
    description:
      '{{ humanizePercentage $values.A.Value }} of the records of {{ $labels.topic }} in the last ten minutes could not be loaded.',
    panel: [PIPELINE_UID, charts.deadLetterShare.id],
    sql: `
      select topic, sum(dead_lettered) / sum(consumed) as share
      from audit.pipeline_batches
      where $__timeFilter(loaded_at)
      group by topic
      having sum(consumed) >= ${DEAD_LETTER_MIN_RECORDS}
    `,
    range: 600,
    above: DEAD_LETTER_SHARE.alarm,
    recovered: DEAD_LETTER_SHARE.recovered,
    pending: '1m',
    keepFiringFor: '2m',
  },
  ...(await partOf<readonly Alert[]>('alerts', [])),
]
