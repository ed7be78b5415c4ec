import { messageOf } from '../text/message-of.ts'
import { setTimeout as delay } from 'node:timers/promises'
import pRetry from 'p-retry'
import kafkajs, { type Admin, type Kafka } from 'kafkajs'
import type { Logger } from '../process/log.ts'
import { asRefusal, KafkaRefused, withRight, asUnreachable, KafkaUnreachable } from './errors.ts'

export interface TopicSpec {
  readonly topic: string
  readonly partitions: number
  readonly replication: number
  /** Kafka's own names and values, as text. */
  readonly settings: Readonly<Record<string, string>>
}

/** How a topic that is there differs from what is wanted. */
export interface TopicDifference {
  readonly name: string
  readonly wanted: string
  readonly found: string
}

export type TopicResult = { topic: string } & (
  | { made: true }
  | { made: false; differences: TopicDifference[] }
)

/** Runs work with an admin client that is closed afterwards, whatever happens. @throws KafkaRefused, KafkaUnreachable, and what work throws. */
export async function withAdmin<T>(kafka: Kafka, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = kafka.admin()
  try {
    await admin.connect()
    return await work(admin)
  } catch (error) {
    throw asUnreachable(asRefusal(error))
  } finally {
    await admin.disconnect()
  }
}

/** What a person waits. kafkajs tries for much longer than that. */
const PATIENCE_MS = 6_000

/** As `withAdmin`, for who can't wait for long: a page, a terminal, a run. @throws KafkaUnreachable. */
export async function askAdmin<T>(
  kafka: Kafka,
  work: (admin: Admin) => Promise<T>,
  patienceMs = PATIENCE_MS,
): Promise<T> {
  const answer = withAdmin(kafka, work)
  answer.catch(() => undefined) // it may fail later than we wait
  const limit = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => limit.reject(new KafkaUnreachable(`no answer in ${patienceMs / 1_000} s`)),
    patienceMs,
  )
  try {
    return await Promise.race([answer, limit.promise])
  } finally {
    clearTimeout(timer)
  }
}

/** Makes the topics that are missing and compares those that are there; changes none of them. */
export async function ensureTopics(admin: Admin, specs: readonly TopicSpec[]): Promise<TopicResult[]> {
  const results: TopicResult[] = []
  for (const spec of specs) {
    const { topic } = spec
    // A second try finds what the first has made, so `made` is remembered.
    let made = false
    await whileRetriable(async () => {
      if (!(await admin.listTopics()).includes(topic)) made = await create(admin, spec)
    })
    if (made) results.push({ topic, made })
    else results.push({ topic, made, differences: await whileRetriable(() => compare(admin, spec)) })
  }
  return results
}

/** @returns false where somebody else made it meanwhile. */
function create(admin: Admin, spec: TopicSpec): Promise<boolean> {
  const configEntries = Object.entries(spec.settings).map(([name, value]) => ({ name, value }))
  const topic = {
    topic: spec.topic,
    numPartitions: spec.partitions,
    replicationFactor: spec.replication,
    configEntries,
  }
  return withRight(`Create on topic ${spec.topic}`, () =>
    admin.createTopics({ waitForLeaders: false, topics: [topic] }),
  )
}

/**
 * Right after a topic is made or its leader moved, or on a broker that has just started (whose group
 * coordinator still loads), kafkajs' admin gives up at once where Java's client tries again.
 */
export function whileRetriable<T>(work: () => Promise<T>): Promise<T> {
  return pRetry(work, {
    retries: 8,
    minTimeout: 100,
    maxTimeout: 2_000,
    shouldRetry: ({ error }) => 'retriable' in error && error.retriable === true,
  })
}

async function compare(admin: Admin, spec: TopicSpec): Promise<TopicDifference[]> {
  const { topics } = await admin.fetchTopicMetadata({ topics: [spec.topic] })
  const partitions = topics[0]?.partitions ?? []
  const replication = Math.min(...partitions.map((partition) => partition.replicas.length))
  const found: Record<string, string> = {
    partitions: String(partitions.length),
    'replication factor': String(replication),
    ...(await topicSettings(admin, spec.topic)),
  }
  const wanted = {
    partitions: String(spec.partitions),
    'replication factor': String(spec.replication),
    ...spec.settings,
  }
  return Object.entries(wanted)
    .filter(([name, value]) => found[name] !== value)
    .map(([name, value]) => ({ name, wanted: value, found: found[name] ?? 'not known to the broker' }))
}

/** A topic's settings by Kafka's names. */
export async function topicSettings(admin: Admin, topic: string): Promise<Record<string, string>> {
  const { resources } = await withRight(`DescribeConfigs on topic ${topic}`, () =>
    admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic }],
    }),
  )
  const entries = resources[0]?.configEntries ?? []
  return Object.fromEntries(entries.map((entry) => [entry.configName, entry.configValue]))
}

export interface PartitionBounds {
  readonly partition: number
  /** First offset that the log holds. */
  readonly start: number
  /** The last stable offset: kafkajs lists offsets as a READ_COMMITTED client. */
  readonly end: number
}

/** Every partition's first offset and last stable offset, ascending by partition. */
export async function partitionBounds(admin: Admin, topic: string): Promise<PartitionBounds[]> {
  const offsets = await whileRetriable(() => admin.fetchTopicOffsets(topic))
  return offsets
    .map(({ partition, low, high }) => ({ partition, start: Number(low), end: Number(high) }))
    .sort((a, b) => a.partition - b.partition)
}

/**
 * Each partition's first offset whose record is of this time or later, by Kafka's own timestamp; the end of
 * the log where there is none.
 */
export async function offsetsAt(admin: Admin, topic: string, at: Date): Promise<Map<number, number>> {
  const offsets = await whileRetriable(() => admin.fetchTopicOffsetsByTimestamp(topic, at.getTime()))
  return new Map(offsets.map(({ partition, offset }) => [partition, Number(offset)]))
}

/** The id that the cluster was formatted with: another one means other offsets. */
export async function clusterId(admin: Admin): Promise<string> {
  return (await admin.describeCluster()).clusterId
}

const WAIT_MS = 2_000

/**
 * Waits until Kafka answers and the topic is there, and says what it waits for. Never makes it: that is
 * `npm run topics`.
 *
 * @param onMissing told each time that Kafka answers without it.
 * @throws KafkaRefused, or the signal's reason when it is aborted meanwhile.
 */
export async function waitForTopic(
  kafka: Kafka,
  topic: string,
  logger: Logger,
  signal?: AbortSignal,
  onMissing?: () => void,
): Promise<{ partitions: number }> {
  for (;;) {
    signal?.throwIfAborted()
    try {
      const partitions = await withAdmin(kafka, async (admin) => {
        if (!(await admin.listTopics()).includes(topic)) {
          await requireSight(admin, topic)
          return undefined
        }
        const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
        return topics[0]?.partitions.length
      })
      if (partitions !== undefined && partitions > 0) return { partitions }
      onMissing?.()
      logger.warn({ topic }, `waiting for topic ${topic}: make it with npm run topics`)
    } catch (error) {
      if (error instanceof KafkaRefused) throw error
      logger.warn({ topic, reason: messageOf(error) }, 'waiting for Kafka')
    }
    await delay(WAIT_MS, undefined, signal ? { signal } : {})
  }
}

/** Whoever may not describe a topic does not see it in a list either. @throws KafkaRefused then. */
async function requireSight(admin: Admin, topic: string): Promise<void> {
  const missing = await withRight(`Describe on topic ${topic}`, () =>
    admin.fetchTopicMetadata({ topics: [topic] }),
  ).catch((error: unknown) => error)
  if (missing instanceof KafkaRefused) throw missing
}
