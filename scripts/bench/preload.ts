import type { Kafka } from '../../etl/kafka/client.ts'
import { connectProducer } from '../../etl/kafka/producer.ts'
import { ensureTopics, withAdmin } from '../../etl/kafka/topics.ts'
import { messages } from '../../producer/stream.ts'

/** `in order`: time runs on from sale to sale. `spread`: anywhere in the last 24 hours, at random. */
export type Order = 'in order' | 'spread'

const DAY_MS = 86_400_000
const CHUNK = 2_000
const MAX_BYTES = { 'max.message.bytes': '10485760', 'message.timestamp.type': 'LogAppendTime' }

/** Fills a topic of three partitions with valid orders, and makes the dead-letter topic beside it. */
export async function preload(kafka: Kafka, topic: string, records: number, order: Order): Promise<void> {
  await withAdmin(kafka, (admin) =>
    ensureTopics(
      admin,
      [topic, `${topic}.dlq`].map((name) => ({
        topic: name,
        partitions: 3,
        replication: 1,
        settings: MAX_BYTES,
      })),
    ),
  )
  const now = Date.now()
  let sale = 0
  const clock = {
    // A thousand sales a second: the benchmark's records cover some minutes, as a busy backlog does.
    'in order': () => now - (records - sale++),
    spread: () => now - Math.floor(Math.random() * DAY_MS),
  }[order]
  const stream = messages({ seed: 1, now: clock, invalidRatio: 0, duplicateRatio: 0 })
  const producer = await connectProducer(kafka)
  try {
    for (let sent = 0; sent < records; sent += CHUNK) {
      const chunk = Array.from({ length: Math.min(CHUNK, records - sent) }, () => stream.next().value)
      await producer.send(topic, chunk)
    }
  } finally {
    await producer.disconnect()
  }
}
