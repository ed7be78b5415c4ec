import { randomUUID } from 'node:crypto'
import type { Kafka } from '../../etl/kafka/client.ts'
import type { PlainRecord } from './sent-log.ts'

export interface StoredRecord extends PlainRecord {
  readonly partition: number
  readonly offset: number
}

/**
 * Every record of a topic up to its end now; each partition's in ascending order. Read by kafkajs' own consumer,
 * in a group for this once, as the product's reader is what is under test.
 */
export async function readTopic(
  kafka: Kafka,
  topic: string,
  visit: (record: StoredRecord) => void,
): Promise<void> {
  const groupId = `checker-${randomUUID()}`
  const admin = kafka.admin()
  await admin.connect()
  try {
    const offsets = await admin.fetchTopicOffsets(topic)
    const ends = new Map(
      offsets.filter(({ low, high }) => low !== high).map(({ partition, high }) => [partition, Number(high)]),
    )
    if (ends.size > 0) await readUpTo(kafka, groupId, topic, ends, visit)
    await admin.deleteGroups([groupId]).catch(() => undefined)
  } finally {
    await admin.disconnect()
  }
}

async function readUpTo(
  kafka: Kafka,
  groupId: string,
  topic: string,
  ends: Map<number, number>,
  visit: (record: StoredRecord) => void,
): Promise<void> {
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 250 })
  const done = Promise.withResolvers<void>()
  consumer.on(consumer.events.CRASH, ({ payload }) => done.reject(payload.error))
  await consumer.connect()
  try {
    await consumer.subscribe({ topic, fromBeginning: true })
    const read = new Map<number, number>()
    await consumer.run({
      autoCommit: false,
      eachBatch: async (payload) => {
        const { batch } = payload
        const { partition } = batch
        const end = ends.get(partition) ?? 0
        for (const { offset, key, value, headers } of batch.messages) {
          const at = Number(offset)
          // A rejoin begins anew; what was visited is not visited again.
          if (at >= end || at <= (read.get(partition) ?? -1)) continue
          read.set(partition, at)
          visit({ partition, offset: at, key, value, headers: plainHeaders(headers) })
        }
        if (Number(batch.lastOffset()) >= end - 1) {
          ends.delete(partition)
          payload.pause()
        }
        if (ends.size === 0) done.resolve()
        await payload.heartbeat()
      },
    })
    await done.promise
  } finally {
    await consumer.disconnect()
  }
}

type KafkaHeaders = Readonly<Record<string, Buffer | string | (Buffer | string)[] | undefined>>

function plainHeaders(headers: KafkaHeaders = {}): PlainRecord['headers'] {
  return Object.entries(headers).flatMap(([key, values]) =>
    [values].flat().map((value) => ({ key, value: value === undefined ? null : Buffer.from(value) })),
  )
}
