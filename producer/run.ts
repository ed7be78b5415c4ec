import { aborted } from '../etl/process/aborted.ts'
import { randomInt } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Config } from '../etl/process/config.ts'
import { createKafka } from '../etl/kafka/client.ts'
import { connectProducer, type RecordProducer } from '../etl/kafka/producer.ts'
import { waitForTopic } from '../etl/kafka/topics.ts'
import type { Logger } from '../etl/process/log.ts'
import { publish, keepTrying } from './publish.ts'
import { createRandom } from './random.ts'
import { openTally, report, totalOf } from './tally.ts'
import { intervalPace, MAX_CHUNK, ratePace, waitForNextSale, type Pace } from './pace.ts'
import type { Definition } from '../etl/stream/definition.ts'
import type { Installed } from '../etl/stream/installed.ts'
import type { Message } from './messages.ts'
import { stepsOf } from './steps.ts'

/** After a stop the records in hand have this long, and the disconnect that long: 10 s at the very most. */
const FLUSH_LIMIT_MS = 7_000
const DISCONNECT_LIMIT_MS = 1_500
const PROGRESS_EVERY_MS = 30_000

/** A stream and its topic. */
export type Target = Installed<Pick<Config<'kafka'>, 'KAFKA_TOPIC'>>

/**
 * Sends records of streams to their topics until the limit is reached or the signal is aborted, then says what it sent.
 *
 * @throws what ended the sending, where it was neither; what was sent is said all the same.
 */
export async function run(
  config: Config<'kafka' | 'producer'>,
  targets: readonly Target[],
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  const { PRODUCER_RATE: rate } = config
  const seed = config.PRODUCER_SEED ?? randomInt(2 ** 32)
  const definitions: readonly Definition[] = targets.map(({ definition }) => definition)
  const topics = new Map(targets.map(({ definition, config: own }) => [definition.name, own.KAFKA_TOPIC]))
  const tally = openTally([...topics.keys()])
  let producer: RecordProducer | undefined
  let startedAt: number | undefined

  const work = async (): Promise<void> => {
    const kafka = createKafka(config, logger, 'pulse-producer')
    for (const topic of topics.values()) await waitForTopic(kafka, topic, logger, signal)
    const connected = await keepTrying('connecting to Kafka', () => connectProducer(kafka), logger, signal)
    producer = connected
    const sendingTo = [...topics.values()].join(', ')
    logger.info(
      { topics: Object.fromEntries(topics), seed },
      `sending to ${sendingTo}, ${describePace(config)}`,
    )
    startedAt = performance.now()
    await publish({
      steps: stepsOf(definitions)({
        seed,
        now: Date.now,
        invalidRatio: config.PRODUCER_INVALID_RATIO,
        duplicateRatio: config.PRODUCER_DUPLICATE_RATIO,
      }),
      send: async (records) => {
        for (const [topic, part] of sendsOf(records, topics))
          await keepTrying('sending', () => connected.send(topic, part), logger)
      },
      pace: choosePace(config, seed),
      limit: config.PRODUCER_LIMIT,
      signal,
      tally,
    })
  }
  const sayProgress = (): void => {
    if (producer === undefined) return
    const { total, sent } = totalOf(tally)
    logger.info({ total, sent }, 'sending')
  }
  const progress = setInterval(sayProgress, PROGRESS_EVERY_MS)

  try {
    await Promise.race([work(), aborted(signal).then(() => flushed(producer))])
  } catch (error) {
    // Waiting for the topic or for a connection ends with an error when it is told to stop: no failure.
    if (!signal.aborted || totalOf(tally).inDoubt > 0) throw error
  } finally {
    clearInterval(progress)
    const { message, fields, warning } = report(
      tally,
      startedAt === undefined ? 0 : performance.now() - startedAt,
      rate,
    )
    logger[warning ? 'warn' : 'info']({ ...fields, seed }, message)
    await disconnect(producer, logger)
  }
}

/** One send for each topic, in the order in which they first come; more where one would be too large for a batch. */
function* sendsOf(
  records: readonly Message[],
  topics: ReadonlyMap<string, string>,
): Generator<[topic: string, records: readonly Message[]]> {
  for (const [name, all] of Map.groupBy(records, ({ stream }) => stream))
    for (let from = 0; from < all.length; from += MAX_CHUNK)
      yield [topics.get(name)!, all.slice(from, from + MAX_CHUNK)]
}

/** How long a stop waits for records that Kafka doesn't acknowledge; before it is connected there are none. */
async function flushed(producer: RecordProducer | undefined): Promise<void> {
  if (producer !== undefined) await delay(FLUSH_LIMIT_MS)
}

async function disconnect(producer: RecordProducer | undefined, logger: Logger): Promise<void> {
  try {
    await Promise.race([producer?.disconnect(), delay(DISCONNECT_LIMIT_MS)])
  } catch (error) {
    logger.debug({ err: error }, 'the connection to Kafka did not end cleanly')
  }
}

/** The waits have a chance of their own, so that the records of a seed don't depend on the pace. */
function choosePace(config: Config<'producer'>, seed: number): Pace {
  const { PRODUCER_RATE: rate, PRODUCER_MIN_INTERVAL_MS: min, PRODUCER_MAX_INTERVAL_MS: max } = config
  if (rate !== undefined) return ratePace(rate)
  const random = createRandom(~seed)
  return intervalPace(() => waitForNextSale(random, Date.now(), min, max))
}

function describePace(config: Config<'producer'>): string {
  const { PRODUCER_RATE: rate, PRODUCER_LIMIT: limit } = config
  const pace =
    rate === undefined
      ? `one every ${config.PRODUCER_MIN_INTERVAL_MS} to ${config.PRODUCER_MAX_INTERVAL_MS} ms`
      : `${rate} a second`
  return limit === undefined ? pace : `${pace}, ${limit} in all`
}
