import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Pool } from 'pg'
import type { Kafka } from '../../etl/kafka/client.ts'
import { partitionBounds, withAdmin } from '../../etl/kafka/topics.ts'
import { readAllProgress } from '../../etl/ledger/watermark.ts'
import { within } from '../servers/wait.ts'
import { aborted } from '../../etl/process/aborted.ts'
import { Watchdog } from '../servers/watchdog.ts'
import type { Ending } from './accounts.ts'
import { NOTHING_SENT, readSent, type Sent } from './compare.ts'
import { startProgram, type Program } from './program.ts'
import { thousands, timeOfDay, wrapped, type LogLine, type Screen } from './screen.ts'
import type { Workplace } from './workplace.ts'

const READY_LIMIT_MS = 60_000
/** How long the ETL may make no progress at the end: a run may fail and be made again. */
const PATIENCE_MS = 30_000

export interface Stage {
  readonly workplace: Workplace
  readonly screen: Screen
  /** Aborted when the demo is to end before its time. */
  readonly signal: AbortSignal
  readonly say: (line: string) => void
}

/**
 * The producer and the ETL at work until the time is over or the signal is aborted; then the producer is
 * stopped, the ETL loads what is left and is stopped, too.
 *
 * @throws Error where a program ends by itself or does not end when it is told to.
 */
export async function tellStory(stage: Stage, seconds: number): Promise<Ending> {
  const { workplace, screen } = stage
  // There is no directory to remove: the name is one that nobody has.
  const watchdog = new Watchdog(join(tmpdir(), `pulse-demo-${process.pid}-${Date.now()}`))
  const { kafka, pool, streams } = workplace
  const lagNow = async (): Promise<number> =>
    (await readLagOf(kafka, pool, streams[0]!.config.KAFKA_TOPIC)).records
  const onLine = (line: LogLine): void => screen.show(line, lagNow)
  const start = (name: string, file: string): Program =>
    startProgram({ name, file, env: workplace.env, watchdog, onLine })
  const etl = start('ETL', 'etl/main.ts')
  const producer = start('producer', 'producer/main.ts')
  const unlessBroken = <T>(wait: Promise<T>): Promise<T> => Promise.race([wait, etl.broken, producer.broken])
  try {
    await unlessBroken(atWork(stage, etl, producer, seconds))
    const sent = await unlessBroken(stopProducer(stage, producer))
    const drained = sent.total === 0 || (await Promise.race([drain(stage), etl.broken]))
    await etl.stop()
    await screen.shown()
    return { sent, drained }
  } finally {
    await Promise.allSettled([producer.stop(), etl.stop()])
    await screen.shown()
    await watchdog.end()
  }
}

async function atWork(
  { signal, say }: Stage,
  etl: Program,
  producer: Program,
  seconds: number,
): Promise<void> {
  const ready = Promise.all([
    etl
      .said('ready')
      .then(({ fields }) => say(`etl        ready, HTTP at ${reachable(String(fields['address']))}`)),
    producer.said('sending to').then(({ msg }) => say(`producer   ${msg}`)),
  ])
  const stopped = aborted(signal)
  await within(READY_LIMIT_MS, 'The start of the ETL and the producer', Promise.race([ready, stopped]))
  say('')
  if (seconds === 0) return stopped
  await delay(seconds * 1000, undefined, { signal }).catch(() => {})
}

/** The address that it listens on, as a browser on this machine takes it. */
const reachable = (address: string): string => address.replace(/\/\/(\[::\]|0\.0\.0\.0)/, '//localhost')

async function stopProducer({ screen, signal, say }: Stage, producer: Program): Promise<Sent> {
  let sent = NOTHING_SENT
  const lastWords = producer.said('sent ').then((line) => (sent = readSent(line)))
  await producer.stop()
  await Promise.race([lastWords, Promise.resolve()])
  await screen.shown()
  say(
    `${timeOfDay(new Date())}  ${signal.aborted ? '' : 'time is up: '}the producer has sent ${thousands(sent.total)} records and stopped, the ETL loads the rest`,
  )
  return sent
}

/** @returns whether everything is loaded; why not is said. */
async function drain({ workplace, screen, say }: Stage): Promise<boolean> {
  const problem = await untilDrained(() => readLag(workplace), PATIENCE_MS)
  await screen.shown()
  if (problem !== undefined) say(wrapped(`Not everything is loaded: ${problem}`, '  '))
  return problem === undefined
}

export interface Lag {
  /** Records between the watermarks and the ends of the logs. */
  readonly records: number
  /** Why partitions stand still, in a sentence each. */
  readonly stopped: readonly string[]
}

/** How far the warehouse is behind the topics. */
async function readLag({ kafka, pool, streams }: Workplace): Promise<Lag> {
  const ofEach = await Promise.all(streams.map(({ config }) => readLagOf(kafka, pool, config.KAFKA_TOPIC)))
  return {
    records: ofEach.reduce((sum, { records }) => sum + records, 0),
    stopped: ofEach.flatMap(({ stopped }) => stopped),
  }
}

async function readLagOf(kafka: Kafka, pool: Pool, topic: string): Promise<Lag> {
  const bounds = await withAdmin(kafka, (admin) => partitionBounds(admin, topic))
  const watermarks = await readAllProgress(pool, topic)
  const next = new Map(watermarks.map(({ partition, nextOffset }) => [partition, nextOffset]))
  return {
    records: bounds.reduce((sum, { partition, start, end }) => sum + end - (next.get(partition) ?? start), 0),
    stopped: watermarks.flatMap(({ partition, stopReason }) =>
      stopReason === null ? [] : [`partition ${partition} of ${topic}: ${stopReason}`],
    ),
  }
}

/**
 * Waits until everything in the topics is in the warehouse. Nothing may be added meanwhile.
 *
 * @param patienceMs how long the lag may stay as it is.
 * @returns why that will not come, or undefined when it has come.
 */
export async function untilDrained(
  read: () => Promise<Lag>,
  patienceMs: number,
  everyMs = 500,
): Promise<string | undefined> {
  let least = Number.POSITIVE_INFINITY
  let shrunkAt = performance.now()
  for (;;) {
    const lag = await read().catch((error: Error) => error)
    if (!(lag instanceof Error)) {
      if (lag.records === 0) return undefined
      if (lag.stopped.length > 0)
        return `${thousands(lag.records)} records are not loaded: the ETL has stopped ${lag.stopped.join('; ')}`
      if (lag.records < least) {
        least = lag.records
        shrunkAt = performance.now()
      }
    }
    if (performance.now() - shrunkAt > patienceMs) {
      const state =
        lag instanceof Error
          ? `the lag can’t be read: ${lag.message}`
          : `${thousands(lag.records)} records are not loaded`
      return `${state}, and nothing has changed for ${Math.round(patienceMs / 1000)} s`
    }
    await delay(everyMs)
  }
}
