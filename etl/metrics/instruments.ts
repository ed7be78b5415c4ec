import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

/** Seconds: from a millisecond, a stage of a small batch, to the minute at which Postgres gives up. */
const STAGE_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
/** Seconds: up to twice a run's budget. */
const RUN_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600]
/** Seconds: fine up to the alert's minute, then up to a week, which is how long the topic keeps a record. */
const FRESHNESS_BUCKETS = [
  0.5, 1, 2.5, 5, 10, 15, 20, 30, 45, 60, 120, 300, 900, 3_600, 21_600, 86_400, 604_800,
]

/** Every metric of ours: its name, what it means and its labels. docs/OPERATIONS.md has the same list. */
export function createInstruments(registry: Registry) {
  const registers = [registry]
  const by = <Label extends string = never>(...labelNames: Label[]) => ({
    counter: (name: string, help: string) => new Counter({ name, help, labelNames, registers }),
    gauge: (name: string, help: string) => new Gauge({ name, help, labelNames, registers }),
    histogram: (name: string, help: string, buckets: number[]) =>
      new Histogram({ name, help, buckets, labelNames, registers }),
  })
  const byStream = by('stream')
  const byPartition = by('stream', 'partition')
  const { gauge } = by()

  return {
    consumed: byPartition.counter(
      'pulse_records_consumed_total',
      'Records of loaded batches: the sum of loaded, duplicate, skipped and dead-lettered.',
    ),
    loaded: byPartition.counter('pulse_records_loaded_total', 'Records that became facts in the warehouse.'),
    duplicate: byPartition.counter(
      'pulse_records_duplicate_total',
      'Records that repeated an identity with the same values.',
    ),
    older: byPartition.counter(
      'pulse_versions_older_total',
      'Of the records loaded, versions that were older than the current one of their key: they are history.',
    ),
    skipped: byPartition.counter(
      'pulse_records_skipped_total',
      'Records that are no row, by their envelope.',
    ),
    deadLettered: by('stream', 'partition', 'code').counter(
      'pulse_records_dead_lettered_total',
      'Records that became dead letters, by what was wrong.',
    ),
    batchDuration: byStream.histogram(
      'pulse_batch_duration_seconds',
      'Time of a batch: the sum of its stages.',
      STAGE_BUCKETS,
    ),
    stageDuration: by('stream', 'stage').histogram(
      'pulse_stage_duration_seconds',
      'Time of each stage of a batch.',
      STAGE_BUCKETS,
    ),
    freshness: byPartition.histogram(
      'pulse_freshness_seconds',
      'How long the oldest record of a batch had waited in Kafka when it was loaded.',
      FRESHNESS_BUCKETS,
    ),
    retries: byStream.counter('pulse_load_retries_total', 'Loads tried again after an error that may go by.'),

    longestStep: byStream.gauge(
      'pulse_longest_step_seconds',
      'The longest time in five minutes for which a record kept this worker from all else; 0 below 50 ms.',
    ),

    runs: by('stream', 'kind', 'status').counter(
      'pulse_runs_total',
      'Runs that ended, by what started them and how they ended.',
    ),
    runDuration: byStream.histogram(
      'pulse_run_duration_seconds',
      'Time of a run over all partitions of this worker.',
      RUN_BUCKETS,
    ),
    runsInProgress: byStream.gauge('pulse_runs_in_progress', 'Runs that are under way: 0 or 1.'),
    lastSuccess: byStream.gauge(
      'pulse_last_successful_run_timestamp_seconds',
      'When a run last succeeded; absent until the first one has.',
    ),
    paused: byStream.gauge('pulse_paused', 'Whether an operator has paused it: 0 or 1.'),

    lag: byPartition.gauge(
      'pulse_partition_lag_records',
      'Offsets between the watermark and the end that the last run noted.',
    ),
    stopped: byPartition.gauge(
      'pulse_partition_stopped',
      'Whether the partition stands still until an operator acts: 0 or 1.',
    ),
    seenAt: byPartition.gauge(
      'pulse_partition_seen_timestamp_seconds',
      'When a run last looked at the partition or loaded from it.',
    ),
    newestRecord: byPartition.gauge(
      'pulse_newest_record_timestamp_seconds',
      "Kafka's timestamp of the newest record in the batch that was loaded last.",
    ),
    lost: byPartition.gauge(
      'pulse_data_loss_offsets',
      'Offsets that Kafka dropped before they were loaded and that nobody has acknowledged.',
    ),

    rebalances: byStream.counter(
      'pulse_group_rebalances_total',
      "Times that the group took this worker's partitions back to share them out anew.",
    ),
    connections: by('state').gauge('pulse_pool_connections', "The job's open connections to the warehouse."),
    connectionsMax: gauge(
      'pulse_pool_connections_max',
      'How many connections the job may have to the warehouse.',
    ),
    pendingRequests: gauge('pulse_pool_pending_requests', 'Requests of the job that wait for a connection.'),
    buildInfo: by('version', 'node_version').gauge(
      'pulse_build_info',
      'Always 1; its labels tell the versions.',
    ),
  }
}
