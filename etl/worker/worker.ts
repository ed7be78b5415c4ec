import { setTimeout as delay } from 'node:timers/promises'
import type { Pool } from 'pg'
import { startAlerts } from '../alerts/watch.ts'
import { dismissExecutor } from '../dead-letters/dismiss.ts'
import { redriveExecutor } from '../dead-letters/redrive-executor.ts'
import { startHousekeeping } from '../housekeeping/housekeeping.ts'
import type { Scheduler } from '../job/scheduler.ts'
import type { Pipeline } from '../job/stages.ts'
import { createKafka, type Kafka } from '../kafka/client.ts'
import type { Membership } from '../kafka/membership.ts'
import { watchKafka, type KafkaWatch } from '../kafka/watch.ts'
import { readOwner } from '../ledger/warehouse-name.ts'
import { startBackground, type BackgroundOptions } from '../operations/background.ts'
import { keepPresence, type PresenceKeeper } from '../operations/presence.ts'
import { waitForWarehouse, type Migrations } from '../postgres/migrations.ts'
import type { Logger } from '../process/log.ts'
import type { Repetition } from '../process/repeat.ts'
import { replayExecutor } from '../replay/run.ts'
import type { Stream } from '../stream/compile.ts'
import { contractHash, requireRegistered } from '../stream/registry.ts'
import type { StreamPages } from '../web/context.ts'
import { createReadiness } from '../status/readiness.ts'
import { connect, createPools, waitForTopics, type Connections, type WorkerConfig } from './connections.ts'
import { createPipeline, createRuns, joinOwnGroup, lateness } from './runs.ts'
import { startServer } from './server.ts'

export interface Worker {
  /** Resolves with the error when the worker can't go on and its process should end. */
  readonly crashed: Promise<Error>
  readonly scheduler: Scheduler
  /** Resolves when the group gave this worker its share; a coordinator that still loads may take its time. */
  joined(): Promise<void>
  /** Finishes the run under way, leaves the group, closes all. */
  stop(): Promise<void>
}

/** Connections that a worker keeps for the ledger beside its drains. */
const SPARE_CONNECTIONS = 2
/** A run that hangs keeps this worker's place in the group for so long after it was told to stop. */
const LEAVE_AFTER_MS = 4_000

/** What a worker is to do. */
export interface Work {
  readonly stream: Stream
  /** Of streams, in the console. */
  readonly pages: readonly StreamPages[]
  /** Read when the process began: an upgrade may lay other files in their place while it runs. */
  readonly migrations: Migrations
}

/**
 * Starts a worker: waits for what it needs, joins the group, opens its port, and then runs by the clock.
 *
 * @param signal aborted when the worker is to stop, also while it still waits.
 * @param wrap gets the connections of the runs before they are used, and gives what is used in their place.
 * @throws MigrationMismatch, StreamMismatch and whatever else waiting would not mend.
 */
export async function startWorker(
  config: WorkerConfig,
  { stream, pages, migrations }: Work,
  worker: string,
  logger: Logger,
  signal: AbortSignal,
  wrap = (open: Connections) => open,
): Promise<Worker> {
  const kafka = createKafka(config, logger, `global-sales-pulse-etl`)
  const pools = createPools(config, logger)
  await waitForWarehouse(pools.load, migrations, logger, signal)
  await requireRegistered(pools.load, stream.definition)
  // Before Kafka answers: that it doesn't is one of the things to tell.
  const alerts = startAlerts({ pool: pools.operations, config, logger, topic: config.KAFKA_TOPIC })
  await waitForTopics(kafka, config, logger, signal)

  const owner = await readOwner(pools.load)
  const crash = Promise.withResolvers<Error>()
  const open = wrap(await connect(kafka, pools.load, config, { owner, logger, onCrash: crash.resolve }))
  const { membership } = open
  const pipeline = createPipeline(config, stream, open, { migrations, onOutdated: crash.resolve })
  const settings = {
    kafka,
    worker,
    logger,
    topic: config.KAFKA_TOPIC,
    groupId: config.KAFKA_GROUP_ID,
    owner,
    offsetsSeen: new Map(),
    budgetMs: config.ETL_RUN_BUDGET_MS,
    concurrency: Math.max(1, config.DATABASE_POOL_SIZE - SPARE_CONNECTIONS),
  }
  const { scheduler, control } = await createRuns(
    pipeline,
    settings,
    pools.operations,
    config.ETL_SCHEDULE,
    signal,
  )
  pipeline.metrics.watchPause(() => control.isPaused())
  await joinOwnGroup({ ...settings, stream, pool: pools.operations, membership }, kafka)

  const kafkaWatch = watchKafka(kafka, logger)
  const presence = startPresence(
    pools.operations,
    worker,
    logger,
    config,
    stream,
    scheduler,
    membership,
    kafkaWatch,
  )
  const server = await startServer(
    {
      late: () => lateness(scheduler, config.ETL_RUN_BUDGET_MS),
      notReady: createReadiness({ kafka: kafkaWatch, membership, presence, pool: pools.console }),
    },
    pipeline.metrics,
    {
      pool: pools.console,
      kafka,
      stream,
      pages,
      maxAgeDays: pipeline.maxAgeDays,
      config,
      logger,
      worker,
      unwritable: () => presence.problem(),
    },
    config.HTTP_PORT,
  ).catch(async (error: unknown) => {
    await membership.leave() // or the others wait for our share until the session times out
    throw error
  })
  logger.info({ address: server.listeningOrigin, schedule: config.ETL_SCHEDULE }, 'ready')
  scheduler.start()
  const beside = [
    control,
    alerts,
    kafkaWatch,
    presence,
    ...startOperations(config, worker, logger, kafka, { ...pipeline, pool: pools.operations }, () =>
      control.isPaused(),
    ),
  ]

  return {
    scheduler,
    crashed: crash.promise,
    joined: () => membership.joined(),
    stop: async () => {
      const endings = [scheduler.stop(), ...beside.map((work) => work.stop())] as const
      // The others get our share as soon as no run needs it, whatever else still ends. A run that hangs doesn't
      // keep it from them: that nothing is loaded twice is the watermark's row lock to see to.
      await Promise.race([endings[0], delay(LEAVE_AFTER_MS, undefined, { ref: false })])
      await Promise.all([membership.leave(), ...endings])
      await Promise.all([open.producer.disconnect(), open.reader.close(), server.close()])
      await Promise.all([open.pool.end(), pools.operations.end(), pools.console.end()])
    },
  }
}

/** Tells the others, once a while, that this worker is there and how it is. */
function startPresence(
  pool: Pool,
  worker: string,
  logger: Logger,
  { ETL_SCHEDULE: schedule }: WorkerConfig,
  stream: Stream,
  scheduler: Scheduler,
  membership: Membership,
  kafkaWatch: KafkaWatch,
): PresenceKeeper {
  const outside = () =>
    membership.isMember() || membership.standsAside() ? undefined : 'not in its consumer group'
  const contracts = { [stream.name]: contractHash(stream.definition) }
  const now = () => ({
    schedule,
    contracts,
    nextTickAt: scheduler.nextTick,
    partitions: membership.partitions(),
    problem: kafkaWatch.problem() ?? outside(),
  })
  return keepPresence(pool, worker, now, logger)
}

/** All that goes on beside the runs. Replays have a lane of their own: a redrive doesn't wait for hours. */
function startOperations(
  config: WorkerConfig,
  worker: string,
  logger: Logger,
  kafka: Kafka,
  pipeline: Pipeline,
  isPaused: () => boolean,
): Repetition[] {
  const { pool, producer } = pipeline
  const lane = (executors: BackgroundOptions['executors']) =>
    startBackground({ pool, worker, logger, isPaused, executors })
  return [
    lane({
      redrive: redriveExecutor({ pool, producer, topic: config.KAFKA_TOPIC }),
      dismiss: dismissExecutor({ pool }),
    }),
    lane({ replay: replayExecutor({ kafka, pipeline, worker, logger }) }),
    startHousekeeping({ pool, kafka, stream: pipeline.stream, config, worker, logger, isPaused }),
  ]
}
