import { startAlerts } from '../alerts/watch.ts'
import { acceptedAgeDays } from '../housekeeping/retention.ts'
import { Dispatcher } from '../job/dispatcher.ts'
import { createKafka } from '../kafka/client.ts'
import { connectProducer, type RecordProducer } from '../kafka/producer.ts'
import { watchKafka } from '../kafka/watch.ts'
import { readOwner } from '../ledger/warehouse-name.ts'
import { createMetrics } from '../metrics/metrics.ts'
import { watchControl } from '../operations/control.ts'
import { keepPresence } from '../operations/presence.ts'
import { waitForWarehouse, type Migrations } from '../postgres/migrations.ts'
import { aborted } from '../process/aborted.ts'
import type { Logger } from '../process/log.ts'
import { createReadiness } from '../status/readiness.ts'
import type { Stream } from '../stream/compile.ts'
import { requireRegistered } from '../stream/registry.ts'
import { pagesUnder, type Server, type StreamPages } from '../web/context.ts'
import { createPools, type Connections, type WorkerConfig } from './connections.ts'
import { startServer } from './server.ts'
import { startStream, type Shared, type StreamWorker } from './stream-worker.ts'

export interface Worker {
  /** Resolves with the error when the worker can't go on and its process should end. */
  readonly crashed: Promise<Error>
  /** Those that it runs. */
  readonly streams: readonly StreamWorker[]
  /** Finishes the runs under way, leaves the groups, closes all. */
  stop(): Promise<void>
}

/** Connections that a worker keeps for the ledger beside its loads. */
const SPARE_CONNECTIONS = 2

/** A stream, with the configuration as it sees it. */
export interface ConfiguredStream {
  readonly stream: Stream
  readonly config: WorkerConfig
}

/** What a worker is to do. */
export interface Work {
  /** All that are declared; the console shows each. */
  readonly streams: readonly ConfiguredStream[]
  /** Whether this worker runs it. */
  readonly runs: (stream: Stream) => boolean
  /** Of streams, in the console. */
  readonly pages: readonly StreamPages[]
  /** Read when the process began: an upgrade may lay other files in their place while it runs. */
  readonly migrations: Migrations
}

/**
 * Starts a worker: waits for what it needs, runs its streams each by its own clock, and opens its port when the first
 * of them is in its group.
 *
 * @param config what is no stream's own.
 * @param signal aborted when the worker is to stop, also while it still waits.
 * @param wrap gets the connections of the runs before they are used, and gives what is used in their place.
 * @throws MigrationMismatch, StreamMismatch and whatever else waiting would not mend.
 */
export async function startWorker(
  config: WorkerConfig,
  { streams, runs, pages, migrations }: Work,
  worker: string,
  logger: Logger,
  signal: AbortSignal,
  wrap = (open: Connections) => open,
): Promise<Worker> {
  const kafka = createKafka(config, logger, `global-sales-pulse-etl`)
  const pools = createPools(config, logger)
  await waitForWarehouse(pools.load, migrations, logger, signal)
  for (const { stream } of streams) await requireRegistered(pools.load, stream.definition)
  const names = streams.map(({ stream }) => stream.name)
  const pagesOf = pagesUnder(names)
  // Before Kafka answers: that it doesn't is one of the things to tell.
  const alerts = startAlerts({
    pool: pools.operations,
    config,
    logger,
    streams: streams.map((one) => ({ stream: one.stream.name, topic: one.config.KAFKA_TOPIC })),
    pagesOf,
  })
  const ours = streams.filter(({ stream }) => runs(stream))
  const crash = Promise.withResolvers<Error>()
  const control = await watchControl(pools.operations, logger)
  const kafkaWatch = watchKafka(kafka, logger)
  const metrics = createMetrics(pools.load)
  const producer = sharedProducer(() => connectProducer(kafka, { idempotent: false }))
  const shared: Shared = {
    kafka,
    pools,
    producer: producer.get,
    control,
    dispatcher: new Dispatcher(
      config.DATABASE_POOL_SIZE - SPARE_CONNECTIONS,
      ours.map(({ stream }) => stream.name),
    ),
    metrics,
    kafkaWatch,
    migrations,
    owner: await readOwner(pools.load),
    worker,
    signal,
    crash: crash.resolve,
    wrap,
  }
  const running = ours.map((one) => {
    const isOnly = ours.length === 1
    const of = isOnly ? logger : logger.child({ stream: one.stream.name })
    return startStream(shared, one.stream, one.config, of, isOnly)
  })
  const presence = keepPresence(pools.operations, worker, () => running.map((one) => one.presence()), logger)
  const stop = async (server?: Server) => {
    await Promise.all([...running.map((one) => one.stop()), server?.close()])
    await Promise.all([control, alerts, kafkaWatch, presence].map((work) => work.stop()))
    await producer.close()
    await Promise.all([pools.load.end(), pools.operations.end(), pools.console.end()])
  }
  const failed = crash.promise.then((error) => Promise.reject(error))
  try {
    await Promise.race([...running.map(({ opened }) => opened), failed, aborted(signal)])
    signal.throwIfAborted()
    const server = await startServer(
      {
        late: () => firstOf(running, (one) => one.late()),
        notReady: createReadiness({
          problem: () => firstOf(running, (one) => one.problem()),
          presence,
          pool: pools.console,
        }),
      },
      metrics,
      streams.map(({ stream, config: ofStream }) => ({
        pool: pools.console,
        kafka,
        stream,
        streams: names,
        pages: pages.filter((page) => page.stream === stream.name),
        maxAgeDays: acceptedAgeDays(ofStream, stream.definition),
        config: ofStream,
        logger,
        worker,
        unwritable: () => presence.problem(),
      })),
      config.HTTP_PORT,
    )
    logger.info({ address: server.listeningOrigin, schedule: config.ETL_SCHEDULE }, 'ready')
    return {
      crashed: crash.promise,
      streams: running,
      stop: () => stop(server),
    }
  } catch (error) {
    await stop() // or the others wait for our share until the session times out
    throw error
  }
}

/** What the first of them has to say; of several, which it is. */
function firstOf(
  running: readonly StreamWorker[],
  say: (one: StreamWorker) => string | undefined,
): string | undefined {
  for (const one of running) {
    const said = say(one)
    if (said !== undefined) return running.length === 1 ? said : `${one.stream.name}: ${said}`
  }
  return undefined
}

/** One for all streams, connected when the first needs it; where that fails, the next asks anew. */
function sharedProducer(connect: () => Promise<RecordProducer>) {
  let connecting: Promise<RecordProducer> | undefined
  return {
    get: () =>
      (connecting ??= connect().catch((error: unknown) => {
        connecting = undefined
        throw error
      })),
    close: async () => (await connecting?.catch(() => undefined))?.disconnect(),
  }
}
