import { randomInt } from 'node:crypto'
import type { Kafka } from '../../etl/kafka/client.ts'
import type { Stream } from '../../etl/stream/compile.ts'
import { createRandom } from '../../producer/random.ts'
import { recordsOf, type Message } from '../../producer/messages.ts'
import { SentLog, type Meaning, type PlainRecord } from './sent-log.ts'
import { stream as first } from './stream.ts'

export interface SenderOptions {
  /** The first of the installation by default. */
  readonly stream?: Pick<Stream, 'definition'>
  readonly kafka: Kafka
  readonly topic: string
  readonly partitions: number
  /** 0 to 2^32 - 1; random by default. Chooses records and partitions. */
  readonly seed?: number
  /** Gone on with; a new one by default. */
  readonly log?: SentLog
  /** Share of records that break the contract, 0 to 1; 0.05. */
  readonly invalidRatio?: number
  /** Share of records that repeat a record, a quarter of them with another value; 0.15. */
  readonly duplicateRatio?: number
}

export interface Sender {
  readonly seed: number
  readonly log: SentLog
  /**
   * Sends so many records. A send that Kafka doesn't answer stays in doubt and is not repeated.
   *
   * @returns how many were acknowledged.
   * @throws where no broker can be reached; nothing was sent then.
   */
  send(records: number): Promise<number>
  close(): Promise<void>
}

/** Records in one send: some 100 kB, far below what a topic takes. */
const CHUNK = 300
/** A repeated record is a rival of its first where it goes into another partition, and a version of the others. */
const ASTRAY = 0.3

/**
 * Sends records, exact and conflicting repetitions, in the same partition and in others, and garbage of every
 * kind that the producer knows, and remembers what Kafka acknowledged of it, offset by offset.
 *
 *     const sender = aSender({ kafka: world.kafka, topic: world.topic, partitions: 3 })
 *     await sender.send(1_000)
 *     …
 *     expect(await verdict({ sent: sender.log, ...world })).toEqual([])
 */
export function aSender({
  stream: { definition } = first,
  kafka,
  topic,
  partitions,
  seed = randomInt(2 ** 32),
  log = new SentLog(),
  invalidRatio = 0.05,
  duplicateRatio = 0.15,
}: SenderOptions): Sender {
  const all = recordsOf(definition).messages({ seed, now: Date.now, invalidRatio, duplicateRatio })
  const random = createRandom(seed ^ 0x5e4d)
  let connected: ReturnType<typeof connect> | undefined

  const partitionOf = (message: Message): number => {
    const hasRivals =
      message.kind === 'valid'
        ? definition.identity.latest !== undefined
        : message.kind === 'duplicate' || message.kind === 'conflicting'
    if (hasRivals && random.chance(ASTRAY)) return random.between(0, partitions - 1)
    return Buffer.from(message.key).reduce((sum, byte) => sum + byte, 0) % partitions
  }
  const sendTo = async (partition: number, records: readonly Outgoing[]): Promise<number> => {
    connected ??= connect(kafka)
    const connection = connected
    try {
      await connection
    } catch (error) {
      connected = undefined
      throw error
    }
    const send = log.sending(partition, records)
    try {
      log.answered(send, await (await connection).send(topic, partition, records))
      return records.length
    } catch {
      // Its next send might wait for a leader that is gone: a new one asks anew.
      if (connected === connection) connected = undefined
      await (await connection).close().catch(() => undefined)
      return 0
    }
  }
  return {
    seed,
    log,
    send: async (records) => {
      let acknowledged = 0
      for (let left = records; left > 0; left -= CHUNK) {
        const chunk = Array.from({ length: Math.min(left, CHUNK) }, () => all.next().value)
        const shares = Map.groupBy(chunk, partitionOf)
        const sends = [...shares].map(([partition, share]) => sendTo(partition, share.map(outgoing)))
        for (const count of await Promise.all(sends)) acknowledged += count
      }
      return acknowledged
    },
    close: async () => (await connected)?.close(),
  }
}

type Outgoing = PlainRecord & { readonly meaning: Meaning }

/** What is no new record has a header, too, as other people's producers add them. */
function outgoing({ key, value, detail, kind, expectedCode }: Message): Outgoing {
  return {
    key: Buffer.from(key),
    value,
    headers: kind === 'valid' ? [] : [{ key: 'trace', value: Buffer.from(detail) }],
    meaning: kind === 'invalid' ? { code: expectedCode! } : 'fact',
  }
}

/**
 * A producer that asks once: what it sends is in the log at the offset that it gives, or, where it fails,
 * nobody knows. One that repeats by itself could leave copies behind an answer.
 */
async function connect(kafka: Kafka) {
  const producer = kafka.producer({
    createPartitioner: () => (record) => record.message.partition!,
    allowAutoTopicCreation: false,
    idempotent: false,
    retry: { retries: 0 },
  })
  await producer.connect()
  return {
    async send(topic: string, partition: number, records: readonly Outgoing[]): Promise<number> {
      const answers = await producer.send({
        topic,
        acks: -1,
        timeout: 15_000,
        messages: records.map(({ key, value, headers }) => ({
          partition,
          key,
          value,
          headers: Object.fromEntries(headers.map((header) => [header.key, header.value ?? undefined])),
        })),
      })
      const answer = answers.find((one) => one.partition === partition)
      if (answer?.errorCode !== 0 || answer.baseOffset === undefined)
        throw new Error('no offset in the answer')
      return Number(answer.baseOffset)
    },
    close: () => producer.disconnect(),
  }
}
