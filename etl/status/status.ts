import type { Pool } from 'pg'
import type { Kafka } from '../kafka/client.ts'
import { reasonOf } from '../kafka/errors.ts'
import { groupOffsets, type GroupOffset } from '../kafka/group-offsets.ts'
import { clusterId, partitionBounds, askAdmin } from '../kafka/topics.ts'
import { readControl } from '../operations/control.ts'
import { readWorkers } from '../operations/presence.ts'
import { eq, isNull, sql } from '../postgres/drizzle.ts'
import { on, read } from '../postgres/query.ts'
import type { Config } from '../process/config.ts'
import { scrub } from '../process/log.ts'
import { deadLetters, partitionProgress } from '../schema/audit.ts'
import { readFreshness } from './flow.ts'
import { topicsOf } from '../ledger/watermark.ts'
import { readAttention } from './operating-state.ts'
import { readRuns } from './runs.ts'

/** What `pulse status --json` prints. The API says what each field is. */
export type Status = Readonly<Awaited<ReturnType<typeof readStatus>>>
export type PartitionStatus = Status['partitions'][number]

export interface StatusSources {
  readonly stream: string
  readonly pool: Pool
  readonly kafka: Kafka
  readonly config: Config<'kafka'>
}

/**
 * What there is to know now. The warehouse must answer; where Kafka doesn't, what it would have said is
 * null and the reason is told. Of a partition null is what neither of them could say.
 */
export async function readStatus(sources: StatusSources) {
  const { config, stream, pool } = sources
  const topic = config.KAFKA_TOPIC
  const kafka = askKafka(sources)
  const [control, workers, attention, watermarks, [lastRun], freshness, waiting] = await Promise.all([
    readControl(pool, stream),
    readWorkers(pool, stream),
    readAttention(pool, stream),
    readWatermarks(pool, topic),
    readRuns(pool, { stream, limit: 1, kinds: ['tick', 'manual'] }),
    readFreshness(pool, topic),
    readWaiting(pool, stream),
  ])
  const log = await kafka
  const bounds = new Map(log.bounds.map((one) => [one.partition, one]))
  const numbers = new Set([...watermarks.map(({ partition }) => partition), ...bounds.keys()])
  return {
    at: waiting.at,
    stream,
    topic,
    groupId: config.KAFKA_GROUP_ID,
    kafka: {
      brokers: config.KAFKA_BROKERS.join(','),
      clusterId: log.clusterId,
      topicExists: log.topicExists,
      error: log.error,
    },
    partitions: [...numbers]
      .sort((a, b) => a - b)
      .map((partition) => {
        const known = watermarks.find((one) => one.partition === partition)
        const now = bounds.get(partition)
        const from = known?.watermark ?? now?.start
        const group = log.groups.get(partition)?.offset ?? -1
        return {
          ...(known ?? { ...NEVER_LOADED, partition }),
          logStart: now?.start ?? null,
          // Last stable offset: what waits behind an open transaction is not seen.
          logEnd: now?.end ?? null,
          // Markers of transactions are among them.
          lag: now === undefined || from === undefined ? null : now.end - from,
          // It follows the watermark.
          groupOffset: group < 0 ? null : group,
        }
      }),
    isReadOnly: waiting.isReadOnly,
    paused:
      control.pausedAt === null
        ? null
        : { since: control.pausedAt, by: control.pausedBy, reason: control.pauseReason },
    lastRun: lastRun ?? null,
    freshness,
    workers: workers.map(({ name, partitions, problem }) => ({ name, partitions, problem })),
    openAlerts: attention.openAlerts,
    openDeadLetters: attention.openDeadLetters,
    unpublishedDeadLetters: waiting.unpublished,
    openDataLosses: attention.unacknowledgedLosses,
  }
}

const NEVER_LOADED = { incarnation: null, watermark: null, stoppedAt: null, stopCode: null, stopReason: null }

async function askKafka({ config, kafka }: StatusSources) {
  const topic = config.KAFKA_TOPIC
  try {
    return await askAdmin(kafka, async (admin) => {
      const id = await clusterId(admin)
      const topicExists = (await admin.listTopics()).includes(topic)
      return {
        clusterId: id,
        topicExists,
        bounds: topicExists ? await partitionBounds(admin, topic) : [],
        groups: topicExists
          ? await groupOffsets(admin, config.KAFKA_GROUP_ID, topic)
          : new Map<number, GroupOffset>(),
        error: null,
      }
    })
  } catch (error) {
    return {
      clusterId: null,
      topicExists: null,
      bounds: [],
      groups: new Map<number, GroupOffset>(),
      error: `Kafka at ${config.KAFKA_BROKERS.join(',')}: ${scrub(reasonOf(error))}`,
    }
  }
}

function readWatermarks(pool: Pool, topic: string) {
  const { partition, incarnation, nextOffset: watermark, stoppedAt, stopCode, stopReason } = partitionProgress
  return on(pool)
    .select({ partition, incarnation, watermark, stoppedAt, stopCode, stopReason })
    .from(partitionProgress)
    .where(eq(partitionProgress.topic, topic))
}

/** Its count has no limit: attention's has. */
async function readWaiting(pool: Pool, stream: string) {
  const [waiting] = await read(
    pool,
    {
      at: sql<Date>`now()`,
      isReadOnly: sql<boolean>`current_setting('transaction_read_only')::boolean`,
      unpublished: sql<number>`(select count(*) from ${deadLetters}
        where ${deadLetters.topic} = any(${topicsOf(stream)}) and ${isNull(deadLetters.publishedAt)})`,
    },
    (columns) => sql`select ${columns}`,
  )
  return waiting!
}
