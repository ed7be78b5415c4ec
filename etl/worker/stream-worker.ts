import { setTimeout as delay } from 'node:timers/promises'
import { dismissExecutor } from '../dead-letters/dismiss.ts'
import { redriveExecutor } from '../dead-letters/redrive-executor.ts'
import { startHousekeeping } from '../housekeeping/housekeeping.ts'
import type { Dispatcher } from '../job/dispatcher.ts'
import type { Scheduler } from '../job/scheduler.ts'
import type { Pipeline } from '../job/stages.ts'
import type { Kafka } from '../kafka/client.ts'
import type { Membership } from '../kafka/membership.ts'
import type { RecordProducer } from '../kafka/producer.ts'
import type { KafkaWatch } from '../kafka/watch.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { startBackground, type BackgroundOptions } from '../operations/background.ts'
import type { ControlWatch } from '../operations/control.ts'
import { NO_TOPIC, type Presence } from '../operations/presence.ts'
import type { Migrations } from '../postgres/migrations.ts'
import { aborted } from '../process/aborted.ts'
import type { Logger } from '../process/log.ts'
import type { Repetition } from '../process/repeat.ts'
import { replayExecutor } from '../replay/run.ts'
import type { Stream } from '../stream/compile.ts'
import { contractHash } from '../stream/registry.ts'
import { connect, waitForTopics, type Connections, type Pools, type WorkerConfig } from './connections.ts'
import { createPipeline, createScheduler, joinOwnGroup, lateness, requireSameWarehouse } from './runs.ts'

/** What the streams of a worker share. */
export interface Shared {
  readonly kafka: Kafka
  readonly pools: Pools
  readonly producer: () => Promise<RecordProducer>
  readonly control: ControlWatch
  readonly dispatcher: Dispatcher
  readonly metrics: Metrics
  readonly kafkaWatch: KafkaWatch
  readonly migrations: Migrations
  /** This warehouse, as it is to stand in the metadata of a group's offsets. */
  readonly owner: string
  /** Names this worker. */
  readonly worker: string
  /** Aborted when the worker is to stop. */
  readonly signal: AbortSignal
  /** Ends the process: it can't go on, and its supervisor must start it again. */
  readonly crash: (error: Error) => void
  /** Gets the connections of the runs before they are used, and gives what is used in their place. */
  readonly wrap: (open: Connections) => Connections
}

/** A stream of a worker, from its beginning: it may wait for its topic for long, or be open. */
export interface StreamWorker {
  readonly stream: Stream
  /** Resolves when it is open for the first time: in its group, and its clock goes. */
  readonly opened: Promise<void>
  presence(): Presence
  /** Why it can't load now; undefined where it can. */
  problem(): string | undefined
  /** Undefined while runs are begun on time. */
  late(): string | undefined
  /** Resolves when the group gave this worker its share; a coordinator that still loads may take its time. */
  joined(): Promise<void>
  /** One run, beside the clock; resolves when none is under way. */
  runNow(): Promise<void>
  /** Finishes the run under way and leaves the group. */
  stop(): Promise<void>
}

/** A run that hangs keeps this worker's place in the group for so long after it was told to stop. */
const LEAVE_AFTER_MS = 4_000
/** Before a stream is opened again that could not be, or whose consumer ended. */
const AGAIN_AFTER_MS = 5_000

/**
 * Runs a stream by the clock, and whatever goes on beside: what happens to it changes nothing for the others. Where it
 * is the only one, the process ends with it, as there is nothing else that it could do.
 */
export function startStream(
  shared: Shared,
  stream: Stream,
  config: WorkerConfig,
  logger: Logger,
  isOnly: boolean,
): StreamWorker {
  const ending = new AbortController()
  const signal = AbortSignal.any([shared.signal, ending.signal])
  const opened = Promise.withResolvers<void>()
  const hash = contractHash(stream.definition)
  let now: OpenStream | undefined
  let problem: string | undefined

  const failed = async (cause: unknown) => {
    if (isOnly) return shared.crash(cause as Error)
    problem = 'could not be opened, and is tried again'
    logger.error({ err: cause }, 'the stream could not be opened; it is tried again, the others go on')
    await Promise.race([delay(AGAIN_AFTER_MS), aborted(signal)])
  }
  const work = async () => {
    while (!signal.aborted) {
      const ended = Promise.withResolvers<Error>()
      try {
        now = await openStream({ ...shared, signal }, stream, config, logger, {
          onMissing: () => (problem = NO_TOPIC),
          onCrash: ended.resolve,
        })
      } catch (error) {
        if (signal.aborted) return
        await failed(error)
        if (isOnly) return
        continue
      }
      problem = undefined
      opened.resolve()
      if (signal.aborted) return
      const error = await Promise.race([ended.promise, aborted(signal)])
      if (error === undefined) return
      if (!isOnly) {
        await now.stop()
        now = undefined
      }
      await failed(error)
      if (isOnly) return
    }
  }
  const working = work()

  return {
    stream,
    opened: opened.promise,
    problem: () => {
      if (problem !== undefined) return problem
      const ofKafka = shared.kafkaWatch.problem()
      if (ofKafka !== undefined) return ofKafka
      if (now === undefined) return 'is being opened'
      if (now.membership.isMember()) return undefined
      return now.membership.standsAside()
        ? 'this worker stays out of its consumer group: it is another warehouse’s'
        : 'this worker is not in its consumer group'
    },
    joined: async () => {
      await opened.promise
      await now?.membership.joined()
    },
    runNow: async () => {
      now?.scheduler.trigger('manual')
      await now?.scheduler.idle()
    },
    late: () => now && lateness(now.scheduler, config.ETL_RUN_BUDGET_MS),
    presence: () => ({
      stream: stream.name,
      schedule: config.ETL_SCHEDULE,
      nextTickAt: now?.scheduler.nextTick,
      partitions: now?.membership.partitions() ?? [],
      contractHash: hash,
      longestStepMs: now?.longestStepMs() ?? 0,
      problem: problem ?? shared.kafkaWatch.problem() ?? (now && outside(now.membership)),
    }),
    stop: async () => {
      ending.abort(new Error('stopped'))
      // Told to stop while it opens, it may still be on its way to the group.
      await Promise.race([working, delay(LEAVE_AFTER_MS, undefined, { ref: false })])
      await now?.stop()
    },
  }
}

/** One that stands aside says so by its partitions' stops. */
const outside = (membership: Membership) =>
  membership.isMember() || membership.standsAside() ? undefined : 'not in its consumer group'

interface OpenStream {
  readonly scheduler: Scheduler
  readonly membership: Membership
  longestStepMs(): number
  stop(): Promise<void>
}

/**
 * Waits for the topics, joins the group and starts the clock.
 *
 * @param onMissing told while one of the topics is not there.
 * @param onCrash told when the group's consumer ended for good.
 */
async function openStream(
  shared: Shared,
  stream: Stream,
  config: WorkerConfig,
  logger: Logger,
  { onMissing, onCrash }: { readonly onMissing: () => void; readonly onCrash: (error: Error) => void },
): Promise<OpenStream> {
  const { kafka, pools, migrations, worker, signal } = shared
  await waitForTopics(kafka, config, logger, signal, onMissing)
  const open = shared.wrap(
    await connect(kafka, pools.load, await shared.producer(), config, {
      owner: shared.owner,
      logger,
      onCrash,
    }),
  )
  const { membership } = open
  const metrics = shared.metrics.of(stream.name, membership)
  const pipeline: Pipeline & Connections = createPipeline(config, stream, open, {
    dispatcher: shared.dispatcher,
    interval: () => scheduler.interval,
    metrics,
    requireSameWarehouse: () => requireSameWarehouse(pools.load, migrations, stream, shared.crash),
  })
  const settings = {
    kafka,
    worker,
    logger,
    topic: config.KAFKA_TOPIC,
    groupId: config.KAFKA_GROUP_ID,
    owner: shared.owner,
    offsetsSeen: new Map(),
    budgetMs: config.ETL_RUN_BUDGET_MS,
    concurrency: config.DATABASE_POOL_SIZE,
  }
  const { scheduler, isPaused } = createScheduler(
    pipeline,
    settings,
    shared.control,
    config.ETL_SCHEDULE,
    signal,
  )
  metrics.watchPause(isPaused)
  await joinOwnGroup({ ...settings, stream, pool: pools.operations, membership }, kafka)
  scheduler.start()
  const beside = startOperations(
    { ...pipeline, pool: pools.operations },
    { config, worker, logger, kafka, isPaused },
  )

  return {
    scheduler,
    membership,
    longestStepMs: metrics.longestStep,
    stop: async () => {
      const endings = [scheduler.stop(), ...beside.map((work) => work.stop())] as const
      // The others get our share as soon as no run needs it, whatever else still ends. A run that hangs doesn't
      // keep it from them: that nothing is loaded twice is the watermark's row lock to see to.
      await Promise.race([endings[0], delay(LEAVE_AFTER_MS, undefined, { ref: false })])
      await Promise.all([membership.leave(), ...endings])
      await open.reader.close()
    },
  }
}

/** All that goes on beside the runs. Replays have a lane of their own: a redrive doesn't wait for hours. */
function startOperations(
  pipeline: Pipeline,
  {
    config,
    ...about
  }: Pick<BackgroundOptions, 'worker' | 'logger' | 'isPaused'> & {
    readonly config: WorkerConfig
    readonly kafka: Kafka
  },
): Repetition[] {
  const { pool, producer, stream } = pipeline
  const lane = (executors: BackgroundOptions['executors']) =>
    startBackground({ ...about, pool, stream: stream.name, executors })
  return [
    lane({
      redrive: redriveExecutor({ pool, producer, topic: config.KAFKA_TOPIC }),
      dismiss: dismissExecutor({ pool }),
    }),
    lane({ replay: replayExecutor({ ...about, pipeline }) }),
    startHousekeeping({ ...about, pool, stream, config }),
  ]
}
