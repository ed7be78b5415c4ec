import { plain } from '../../text/excerpt.ts'
import type { StopCode } from '../../ledger/progress.ts'
import type { AlertRule } from '../rule.ts'

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
