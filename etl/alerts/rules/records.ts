import type { StopCode } from '../../ledger/watermark.ts'
import { and, asc, eq, isNotNull, isNull, sql } from '../../postgres/drizzle.ts'
import { on, read } from '../../postgres/query.ts'
import { dataLosses, partitionProgress, pipelineBatches } from '../../schema/audit.ts'
import { alerts } from '../../schema/operations.ts'
import { plain } from '../../text/excerpt.ts'
import type { AlertRule } from '../alert.ts'

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
  partitions_grew: (partition) =>
    `The topic has got further partitions, so keys go to other ones, and the log no longer orders their versions. Let the producers send each key anew, then begin a new incarnation of every partition from there: pulse partitions new-incarnation ${partition} --help`,
  truncated: (partition) =>
    `The table that the records tell of was emptied at its source, and the warehouse still has its rows. Decide what becomes of them; then pass the record: pulse partitions continue ${partition}`,
  another_writer: (partition) =>
    `Records come from another source than before. If that wasn't meant, have it mended; if so, its records are taken from now on: pulse partitions continue ${partition}`,
  another_owner: () =>
    'Another warehouse works in this consumer group. Give one of the two a KAFKA_GROUP_ID of its own; where the other is gone for good and this one takes its place: pulse partitions take-over',
  moved: () =>
    'The stream was moved to another topic, and this worker is still told to read the one before: set the stream’s topic (KAFKA_TOPIC, STREAM_<NAME>_TOPIC) to the new one and restart the worker',
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
    const { partition, stoppedAt, stopCode, stopReason } = partitionProgress
    const found = await on(client)
      .select({ partition, stoppedAt, stopCode, stopReason })
      .from(partitionProgress)
      .where(and(eq(partitionProgress.topic, topic), isNotNull(stopCode)))
      .orderBy(asc(partition))
    return found.map((stopped) => ({
      scope: `partition ${stopped.partition}`,
      since: stopped.stoppedAt!,
      summary: `Partition ${stopped.partition} of ${topic} stopped (${stopped.stopCode}): ${plain(stopped.stopReason!, 300)}`,
      firstAction: WAYS_OUT[stopped.stopCode!](stopped.partition),
    }))
  },
}

/** Kafka dropped records before they were loaded, and nobody has taken note of it yet. */
export const dataLoss: AlertRule = {
  id: 'data_loss',
  severity: 'critical',
  path: '/actions',
  find: async (client, { topic }) => {
    const { fromOffset, toOffset, detectedAt, acknowledgedAt } = dataLosses
    const found = await on(client)
      .select({
        partition: dataLosses.partition,
        offsets: sql<number>`sum(${toOffset} - ${fromOffset})::bigint`,
        since: sql<Date>`min(${detectedAt})`,
        from: sql<number>`(array_agg(${fromOffset} order by ${detectedAt}))[1]`,
      })
      .from(dataLosses)
      .where(and(eq(dataLosses.topic, topic), isNull(acknowledgedAt)))
      .groupBy(dataLosses.partition)
      .orderBy(asc(dataLosses.partition))
    return found.map(({ partition, offsets, since, from }) => ({
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
  find: async (client, { stream, topic, deadLetterRatio: limit }) => {
    const { deadLettered, consumed, loadedAt } = pipelineBatches
    const found = await read(
      client,
      {
        deadLettered: sql<number>`sum(${deadLettered})::bigint`,
        consumed: sql<number>`sum(${consumed})::bigint`,
        since: sql<Date>`now()`,
      },
      (columns) => sql`
        select ${columns} from ${pipelineBatches}
        where ${eq(pipelineBatches.topic, topic)} and ${loadedAt} > now() - interval '10 minutes'
        having case when exists (
            select from ${alerts}
            where ${alerts.rule} = 'dead_letter_ratio' and ${alerts.stream} = ${stream} and ${isNull(alerts.endedAt)}
          )
          then sum(${deadLettered}) > ${limit}::double precision * ${RECOVERED}::double precision * sum(${consumed})
          else sum(${deadLettered}) > ${limit}::double precision * sum(${consumed}) and sum(${consumed}) >= ${MIN_RECORDS}
        end`,
    )
    return found.map((window) => ({
      scope: '',
      since: window.since,
      summary: `${window.deadLettered} of the ${window.consumed} records of the last ten minutes became dead letters`,
      firstAction:
        'Look at what went wrong by code and field: one of them since one moment is a producer that changed. Have it mended, then redrive the dead letters.',
    }))
  },
}
