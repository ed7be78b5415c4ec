import { sql } from './warehouse.ts'
import {
  DEAD_LETTER_MIN_RECORDS,
  DEAD_LETTER_SHARE,
  FRAUD_MIN_TRANSACTIONS,
  FRAUD_RATE,
  FRESHNESS_SECONDS,
  SUCCESS_SECONDS,
} from './settings.ts'
import { PANELS } from './pipeline-charts.ts'
import { PIPELINE_UID } from './pipeline.ts'
import { FRAUD_RATE_PANEL } from './sales-panels.ts'
import { SALES_PULSE_UID } from './sales-pulse.ts'

export interface Alert {
  readonly title: string
  /** Critical wakes somebody now; a warning is for the working day. */
  readonly severity: 'critical' | 'warning'
  readonly owner: string
  readonly scope: 'pipeline' | 'sales'
  /** A sentence that never changes, for the subject line. */
  readonly summary: string
  /** May use Grafana's templates: `$values.A.Value`, `$labels.partition`. */
  readonly description: string
  readonly panel: readonly [dashboard: string, id: number]
  /** Exactly one number column; text columns become labels, one alert for each row. */
  readonly sql: string
  /** Seconds before now that the query looks at. */
  readonly range: number
  readonly above: number
  /** Ends only below this, so that a value on the edge doesn't fire over and over. */
  readonly recovered?: number
  /** How long it must hold; a multiple of the 30 seconds between evaluations. */
  readonly pending: string
  readonly keepFiringFor: string
  /** No row at all. */
  readonly noData: 'OK' | 'Alerting'
  /** The query failed. One alert says that the warehouse is out of reach; the others stay as they were. */
  readonly queryFailed: 'Alerting' | 'KeepLast'
}

export const ALERTS: readonly Alert[] = [
  {
    title: 'PulseNoSuccessfulRun',
    severity: 'critical',
    owner: 'operations',
    scope: 'pipeline',
    summary: 'No run of the ETL has succeeded for three minutes',
    description:
      'The last sign of success is {{ humanizeDuration $values.A.Value }} old. Records wait in Kafka, nothing is lost. (The same alert fires when Grafana cannot query the warehouse.)',
    panel: [PIPELINE_UID, PANELS.lastSuccess],
    // A run that works off a backlog may take minutes: as long as it loads, it counts. Six hours: never.
    // Replays and housekeeping load nothing, so that their success says nothing. Whoever has paused the job knows.
    sql: sql(`
      select case when (select paused_at is not null from audit.control) then 0
                  else coalesce(extract(epoch from now() - max(at)), 21600) end as seconds
      from (
        select max(finished_at) as at from audit.pipeline_runs
        where status = 'succeeded' and kind in ('tick', 'manual') and $__timeFilter(started_at)
        union all
        select max(b.loaded_at) from audit.pipeline_batches b join audit.pipeline_runs r on r.id = b.run_id
        where r.status = 'running' and b.loaded_at > now() - interval '${SUCCESS_SECONDS.alarm} seconds'
      ) signs
    `),
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
    owner: 'operations',
    scope: 'pipeline',
    summary: 'Records wait more than a minute before they are loaded',
    description:
      'Partition {{ $labels.partition }} of {{ $labels.topic }}: what was loaded last had waited {{ humanizeDuration $values.A.Value }}, or no run has looked at the partition for so long.',
    panel: [PIPELINE_UID, PANELS.freshness],
    // A quiet topic loads nothing, but runs look at it, so it is no alarm. A partition that nobody owns
    // loads nothing either, and is one. Not one that is stopped, which has an alert of its own, nor one of
    // a topic that has not been read for a day.
    sql: sql(`
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
      where (select paused_at is null from audit.control)
      group by topic, partition
    `),
    range: 120,
    above: FRESHNESS_SECONDS.alarm,
    recovered: FRESHNESS_SECONDS.recovered,
    // Longer than the range, so that the first tick after a short outage is not an alarm.
    pending: '3m',
    keepFiringFor: '2m',
    noData: 'OK',
    queryFailed: 'KeepLast',
  },
  {
    title: 'PulsePartitionStopped',
    severity: 'critical',
    owner: 'operations',
    scope: 'pipeline',
    summary: 'A partition stands still until an operator lets it go on',
    description:
      "Partition {{ $labels.partition }} of {{ $labels.topic }} stopped with the code {{ $labels.stop_code }}. Its records wait in Kafka; they are lost when the topic's retention takes them.",
    panel: [PIPELINE_UID, PANELS.stopped],
    sql: sql(`
      select topic, partition::text as "partition", stop_code, 1 as stopped
      from audit.partition_progress
      where stopped_at is not null
    `),
    range: 60,
    above: 0,
    // A stop is a fact, there is nothing to wait for.
    pending: '0s',
    keepFiringFor: '1m',
    noData: 'OK',
    queryFailed: 'KeepLast',
  },
  {
    title: 'PulseDataLoss',
    severity: 'critical',
    owner: 'operations',
    scope: 'pipeline',
    summary: 'Kafka dropped records before they were loaded',
    description:
      '{{ $values.A.Value }} offsets of partition {{ $labels.partition }} of {{ $labels.topic }} are gone and nobody has acknowledged it.',
    panel: [PIPELINE_UID, PANELS.losses],
    sql: sql(`
      select topic, partition::text as "partition", sum(to_offset - from_offset) as offsets
      from audit.data_losses
      where acknowledged_at is null
      group by topic, partition
    `),
    range: 60,
    above: 0,
    pending: '0s',
    keepFiringFor: '1m',
    noData: 'OK',
    queryFailed: 'KeepLast',
  },
  {
    title: 'PulseDeadLettersHigh',
    severity: 'warning',
    owner: 'operations',
    scope: 'pipeline',
    summary: 'More than 5 % of the records become dead letters',
    description:
      '{{ humanizePercentage $values.A.Value }} of the records of the last ten minutes could not be loaded.',
    panel: [PIPELINE_UID, PANELS.deadLetterShare],
    sql: sql(`
      select sum(dead_lettered) / sum(consumed) as share
      from audit.pipeline_batches
      where $__timeFilter(loaded_at)
      having sum(consumed) >= ${DEAD_LETTER_MIN_RECORDS}
    `),
    range: 600,
    above: DEAD_LETTER_SHARE.alarm,
    recovered: DEAD_LETTER_SHARE.recovered,
    pending: '1m',
    keepFiringFor: '2m',
    noData: 'OK',
    queryFailed: 'KeepLast',
  },
  {
    title: 'PulseFraudRateHigh',
    severity: 'warning',
    owner: 'fraud',
    scope: 'sales',
    summary: 'More than 10 % of the transactions are flagged as fraud',
    description:
      '{{ humanizePercentage $values.A.Value }} of the transactions of the last half hour were flagged.',
    panel: [SALES_PULSE_UID, FRAUD_RATE_PANEL],
    sql: sql(`
      select sum(flagged) / sum(transactions) as fraud_rate
      from warehouse.sales_by_minute
      where $__timeFilter(minute)
      having sum(transactions) >= ${FRAUD_MIN_TRANSACTIONS}
    `),
    range: 1_800,
    above: FRAUD_RATE.alarm,
    recovered: FRAUD_RATE.recovered,
    pending: '2m',
    keepFiringFor: '5m',
    noData: 'OK',
    queryFailed: 'KeepLast',
  },
]
