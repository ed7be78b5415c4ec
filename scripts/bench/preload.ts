import type { Kafka } from '../../etl/kafka/client.ts'
import { connectProducer } from '../../etl/kafka/producer.ts'
import { ensureTopics, withAdmin } from '../../etl/kafka/topics.ts'
import { createRandom } from '../../producer/random.ts'
import { CONFLICTING_SHARE, messages, type Message } from '../../producer/stream.ts'
import { orderIds } from './order-ids.ts'
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

/** Makes a topic and its dead-letter topic, and fills it; the same records for the same scenario, but for the day. */
export async function preload(
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
