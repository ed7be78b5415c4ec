import kafkajs, {
  type Kafka,
  type Message,
  type ICustomPartitioner,
  type PartitionMetadata,
  type RecordMetadata,
} from 'kafkajs'
import { asRefusal, asUnreachable } from './errors.ts'

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

/**
 * Sends records of several partitions as one send for each.
 *
 * Why: kafkajs 2.2.4 keeps the answers of a send by broker. Where one leader dies in the middle and a broker
 * that has answered already takes its partition over, the records of that partition are never sent, and the
 * send succeeds all the same (src/producer/sendMessages.js, `brokersWithoutResponse`); where a partition moves
 * away from a broker that has answered, its records are sent twice. A send of one partition has one leader at a
 * time, so its answer is its own.
 */
export class SendByPartition {
  readonly #choose = kafkajs.Partitioners.DefaultPartitioner()
  readonly #metadata = new Map<string, PartitionMetadata[]>()
  readonly #begun = new Set<string>()
  /** Of sends that failed as a whole: what is in Kafka all the same. */
  readonly #stored = new WeakSet<Message>()

  /** For kafkajs' producer: its own choice, and we learn of each topic what only it is told. */
  readonly createPartitioner: ICustomPartitioner = () => (args) => {
    this.#metadata.set(args.topic, args.partitionMetadata)
    return this.#choose(args)
  }

  /**
   * Resolves when all are stored. After a failure the same records may be sent again: those that were stored
   * are left out.
   *
   * @param send one send of kafkajs' producer, to one partition.
   */
  async send(
    topic: string,
    records: readonly Message[],
    send: (messages: Message[]) => Promise<readonly RecordMetadata[]>,
  ): Promise<void> {
    const store = async (part: readonly Message[], partition?: number) => {
      const answers = await send(
        part.map((record) => (partition === undefined ? { ...record } : { ...record, partition })),
      )
      if (answers.length !== 1) {
        // kafkajs leaves out what its metadata doesn't know for the moment, and says nothing.
        throw new kafkajs.KafkaJSError(`Kafka has not answered for a partition of ${topic}`, {
          retriable: true,
        })
      }
      for (const record of part) this.#stored.add(record)
    }

    let left = records.filter((record) => !this.#stored.has(record))
    const [first] = left
    if (
      first !== undefined &&
      !this.#begun.has(topic) &&
      left.some((record) => record.partition === undefined)
    ) {
      // How many partitions there are is told with a send: one record goes ahead. Alone, until it is stored:
      // an idempotent send that is repeated must be the same, or its sequence numbers are out of order.
      await store([first])
      this.#begun.add(topic)
      left = left.slice(1)
    }
    const partitionMetadata = this.#metadata.get(topic) ?? []
    const parts = Map.groupBy(left, (message) => this.#choose({ topic, partitionMetadata, message }))
    // One after the other: what fails is one partition's, and the rest was not begun.
    for (const [partition, part] of parts) await store(part, partition)
    for (const record of records) this.#stored.delete(record)
  }
}
