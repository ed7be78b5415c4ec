import { connectProducer } from '../../etl/kafka/producer.ts'
import { createKafka, type Kafka } from '../../etl/kafka/client.ts'
import { ensureTopics, withAdmin } from '../../etl/kafka/topics.ts'
import { createLogger } from '../../etl/process/log.ts'
import { readConfig } from '../../etl/process/config.ts'
import { count } from '../../etl/text/wording.ts'
import { createRandom, uuidV7, type Random } from '../../producer/random.ts'
import { CONFLICTING_SHARE, messages, type Message } from '../../producer/messages.ts'
import type { Servers } from '../servers/index.ts'
import type { Scenario } from './scenarios.ts'

const DAY_MS = 86_400_000
/** Of one partition's records in each record batch, whatever the number of partitions. */
const RECORDS_A_BATCH = 650

/** What a topic was filled with: what the warehouse must have made of it in the end. */
export interface Sent {
  readonly records: number
  readonly facts: number
  readonly duplicates: number
  readonly deadLetters: number
}

/** A topic that waits to be drained, as often as one likes. */
export interface Backlog {
  readonly topic: string
  readonly sent: Sent
}

/** Fills a topic, does the work, and removes the topic, its dead-letter topic and the groups that drained it. */
export async function withBacklog<T>(
  servers: Servers,
  of: { readonly scenario: Scenario; readonly partitions: number; readonly records: number },
  work: (backlog: Backlog) => Promise<T>,
): Promise<T> {
  const config = readConfig(['kafka'], { ...process.env, KAFKA_BROKERS: servers.kafkaBrokers })
  const kafka = createKafka(config, createLogger('silent'), 'pulse-bench')
  const topic = `pulse_bench_${process.pid}_${of.scenario.name}_${of.partitions}`
  process.stderr.write(`filling a topic: ${of.scenario.name}, ${count(of.partitions, 'partition')}\n`)
  try {
    return await work({ topic, sent: await preload(kafka, topic, of) })
  } finally {
    await withAdmin(kafka, async (admin) => {
      const topics = (await admin.listTopics()).filter((name) => [topic, `${topic}.dlq`].includes(name))
      await admin.deleteTopics({ topics })
      const groups = (await admin.listGroups()).groups.map(({ groupId }) => groupId)
      // One whose worker has just died is not empty yet; Kafka forgets it in time.
      await admin.deleteGroups(groups.filter((id) => id.startsWith(`${topic}_`))).catch(() => undefined)
    })
  }
}

/** Makes a topic and its dead-letter topic, and fills it; the same records for the same scenario, but for the day. */
async function preload(
  kafka: Kafka,
  topic: string,
  { scenario, partitions, records }: { scenario: Scenario; partitions: number; records: number },
): Promise<Sent> {
  await makeTopics(kafka, topic, partitions, scenario.compression)
  const stream = recordsOf(scenario, records)
  const kinds = { valid: 0, duplicate: 0, conflicting: 0, invalid: 0 }
  const next = (): Message => {
    const message = stream.next().value
    kinds[message.kind] += 1
    return message
  }
  const producer = await connectProducer(kafka)
  try {
    const chunk = RECORDS_A_BATCH * partitions
    for (let sent = 0; sent < records; sent += chunk)
      await producer.send(topic, Array.from({ length: Math.min(chunk, records - sent) }, next))
  } finally {
    await producer.disconnect()
  }
  return {
    records,
    facts: kinds.valid,
    duplicates: kinds.duplicate,
    deadLetters: kinds.conflicting + kinds.invalid,
  }
}

/** The broker compresses what it stores, as the product's producer doesn't. */
async function makeTopics(
  kafka: Kafka,
  topic: string,
  partitions: number,
  compression: string,
): Promise<void> {
  const settings = { 'max.message.bytes': '10485760', 'message.timestamp.type': 'LogAppendTime' }
  await withAdmin(kafka, (admin) =>
    ensureTopics(admin, [
      { topic, partitions, replication: 1, settings: { ...settings, 'compression.type': compression } },
      { topic: `${topic}.dlq`, partitions, replication: 1, settings },
    ]),
  )
}

/** The producer's stream repeats a share of its duplicates with another amount: those are dead letters too. */
export function recordsOf(scenario: Scenario, records: number): Generator<Message, never, undefined> {
  const duplicateRatio = scenario.duplicates / (1 - CONFLICTING_SHARE)
  return messages({
    seed: 1,
    now: clock(scenario.times, records),
    orderId: orderIds(scenario.ids, 2),
    duplicateRatio,
    invalidRatio: scenario.rejects - duplicateRatio * CONFLICTING_SHARE,
  })
}

/** In order: a thousand sales a second, so that the records cover some minutes, as a busy backlog does. */
function clock(times: Scenario['times'], records: number): () => number {
  const now = Date.now()
  if (times === 'in order') {
    let sale = 0
    return () => now - (records - sale++)
  }
  const random = createRandom(3)
  return () => now - Math.floor(random.unit() * DAY_MS)
}

/**
 * Order ids of a version, given the time of the sale. They have draws of their own, so that scenarios which
 * differ in their ids alone have the same customers, baskets and amounts.
 */
function orderIds(version: Scenario['ids'], seed: number): (time: number) => string {
  const random = createRandom(seed)
  return version === 'v7' ? (time) => uuidV7(random, time) : () => uuidV4(random)
}

/** A version 4 UUID (RFC 9562, 5.4): 122 bits of chance. */
function uuidV4(random: Random): string {
  const [a, b, c, d] = Array.from({ length: 4 }, () => random.uint32()) as [number, number, number, number]
  const version = ((b & 0xffff0fff) | 0x4000) >>> 0
  const variant = ((c & 0x3fffffff) | 0x80000000) >>> 0
  const hex = [a, version, variant, d].map((word) => word.toString(16).padStart(8, '0')).join('')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
