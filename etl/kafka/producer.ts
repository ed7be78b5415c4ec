import type { Kafka, Message } from 'kafkajs'
import { asRefusal } from './refusal.ts'
import { asUnreachable } from './unreachable.ts'
import { SendByPartition } from './send-by-partition.ts'

/** A record on its way to Kafka. Without a partition the key decides, as in the Java client. */
export interface OutgoingRecord {
  readonly key: Buffer | string | null
  readonly value: Buffer | null
  readonly headers?: Record<string, Buffer | string | (Buffer | string)[]>
  readonly partition?: number
}

export interface RecordProducer {
  /**
   * Resolves when all in-sync replicas have the records. All for one partition go as one record batch,
   * never split, so the caller keeps a send below the topic's max.message.bytes. After a failure the same
   * records may be sent again: those that were stored are left out.
   */
  send(topic: string, records: readonly OutgoingRecord[]): Promise<void>
  disconnect(): Promise<void>
}

/**
 * A connected producer that waits for all in-sync replicas.
 *
 * @param options.idempotent (default) keeps the order and stores nothing twice while it lives. It retries what
 *   the broker answers for ever; when no broker can be reached a send still fails after some seconds, and may
 *   be repeated without harm. Without it a send gives up after some seconds, and what it sent may be there twice: for an
 *   outbox that tries again later.
 */
export async function connectProducer(
  kafka: Kafka,
  options: { idempotent?: boolean } = {},
): Promise<RecordProducer> {
  const idempotent = options.idempotent ?? true
  const byPartition = new SendByPartition()
  const producer = kafka.producer({
    createPartitioner: byPartition.createPartitioner,
    allowAutoTopicCreation: false,
    idempotent,
    retry: { initialRetryTime: 200, maxRetryTime: 5_000, retries: idempotent ? Number.MAX_SAFE_INTEGER : 3 },
    ...(idempotent ? { maxInFlightRequests: 1 } : {}),
  })
  await refusalsExplained(() => producer.connect(), 'Write on its topic')
  return {
    send: async (topic, records) => {
      const send = (messages: Message[]) => producer.send({ topic, acks: -1, timeout: 15_000, messages })
      await refusalsExplained(() => byPartition.send(topic, records, send), `Write on topic ${topic}`)
    },
    disconnect: () => producer.disconnect(),
  }
}

/** @throws KafkaRefused, KafkaUnreachable, and whatever else work throws. */
async function refusalsExplained(work: () => Promise<unknown>, needed: string): Promise<void> {
  try {
    await work()
  } catch (error) {
    throw asUnreachable(asRefusal(error, needed))
  }
}

/** Whether a send failed because the topic takes no record batch of that size. kafkajs wraps the broker's answer. */
export function isTooLarge(error: unknown): boolean {
  for (let e = error; e instanceof Error; e = e.cause) {
    if ('type' in e && (e.type === 'MESSAGE_TOO_LARGE' || e.type === 'RECORD_LIST_TOO_LARGE')) return true
  }
  return false
}
