import type { StopCode } from '../../ledger/progress.ts'
import { plain } from '../../text/excerpt.ts'
import type { AlertRule } from '../alert.ts'

interface StoppedPartition {
  readonly partition: number
  readonly stoppedAt: Date
  readonly stopCode: StopCode
  readonly stopReason: string
}

const ANOTHER_LOG =
  'Find out whether the topic was deleted and made again or the broker lost its tail; then begin a new incarnation from the beginning: what was loaded before is recognised as duplicates'

/** The way out of each stop; docs/OPERATIONS.md has the long form. */
const WAYS_OUT: Readonly<Record<StopCode, (partition: number) => string>> = {
  mass_rejection: (partition) =>
    `Look at what the producers send and have it mended; then let the partition go on: pulse partitions continue ${partition}`,
  another_cluster: (partition) =>
    `Was KAFKA_BROKERS meant to change? If not, mend it, restart, and let the partition go on; if so: pulse partitions new-incarnation ${partition} --from-beginning`,
  log_shorter: anotherLog,
  log_start_moved_back: anotherLog,
  log_differs: anotherLog,
  another_owner: () =>
    'Another warehouse works in this consumer group. Give one of the two a KAFKA_GROUP_ID of its own; where the other is gone for good and this one takes its place: pulse partitions take-over',
}

function anotherLog(partition: number): string {
  return `${ANOTHER_LOG}: pulse partitions new-incarnation ${partition} --from-beginning`
}

/** A partition stands still until an operator decides. */
export const partitionStopped: AlertRule = {
  id: 'partition_stopped',
  severity: 'critical',
  path: '/actions',
  find: async (client, { topic }) => {
    const { rows } = await client.query<StoppedPartition>(
      `select partition, stopped_at as "stoppedAt", stop_code as "stopCode", stop_reason as "stopReason"
       from audit.partition_progress where topic = $1 and stop_code is not null order by partition`,
      [topic],
    )
    return rows.map(({ partition, stoppedAt, stopCode, stopReason }) => ({
      scope: `partition ${partition}`,
      since: stoppedAt,
      summary: `Partition ${partition} of ${topic} stopped (${stopCode}): ${plain(stopReason, 300)}`,
      firstAction: WAYS_OUT[stopCode](partition),
    }))
  },
}

interface Loss {
  readonly partition: number
  readonly offsets: number
  readonly since: Date
  readonly from: number
}

/** Kafka dropped records before they were loaded, and nobody has taken note of it yet. */
export const dataLoss: AlertRule = {
  id: 'data_loss',
  severity: 'critical',
  path: '/actions',
  find: async (client, { topic }) => {
    const { rows } = await client.query<Loss>(
      `select partition, sum(to_offset - from_offset)::bigint as offsets, min(detected_at) as since,
              (array_agg(from_offset order by detected_at))[1] as "from"
       from audit.data_losses where topic = $1 and acknowledged_at is null
       group by partition order by partition`,
      [topic],
    )
    return rows.map(({ partition, offsets, since, from }) => ({
      scope: `partition ${partition}`,
      since,
      summary: `Kafka dropped ${offsets === 1 ? 'an offset' : `${offsets} offsets`} of partition ${partition} of ${topic} before loading, from offset ${from} on`,
      firstAction: `Have the records of that time sent again by those who produced them; then take note of it: pulse partitions acknowledge-loss ${partition} ${from} --reason …`,
    }))
  },
}

/** Fewer records than this prove nothing. */
const MIN_RECORDS = 20
/** Once open it ends below this part of the limit, so that a share on the edge is one alert and not many. */
const RECOVERED = 0.6

/** Too large a share of the records of the last ten minutes could not be loaded. */
export const deadLetterRatio: AlertRule = {
  id: 'dead_letter_ratio',
  severity: 'warning',
  path: '/dead-letters',
  find: async (client, { topic, deadLetterRatio: limit }) => {
    const { rows } = await client.query<{ deadLettered: number; consumed: number; since: Date }>(
      `select sum(dead_lettered)::bigint as "deadLettered", sum(consumed)::bigint as consumed, now() as since
       from audit.pipeline_batches
       where topic = $1 and loaded_at > now() - interval '10 minutes'
       having case when exists (
           select from audit.alerts where rule = 'dead_letter_ratio' and ended_at is null
         )
         then sum(dead_lettered) > $2::double precision * $4::double precision * sum(consumed)
         else sum(dead_lettered) > $2::double precision * sum(consumed) and sum(consumed) >= $3
       end`,
      [topic, limit, MIN_RECORDS, RECOVERED],
    )
    return rows.map(({ deadLettered, consumed, since }) => ({
      scope: '',
      since,
      summary: `${deadLettered} of the ${consumed} records of the last ten minutes became dead letters`,
      firstAction:
        'Look at what went wrong by code and field: one of them since one moment is a producer that changed. Have it mended, then redrive the dead letters.',
    }))
  },
}
