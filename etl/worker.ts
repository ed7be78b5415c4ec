import { setTimeout as delay } from 'node:timers/promises'
import type { Pool } from 'pg'
import type { Config } from './process/config.ts'
import { startServer } from './server.ts'
import { checkedFraudRules, FRAUD_RULES } from './stream/fraud-rules.ts'
import { keepToOwnGroup, type GroupCheck } from './job/group-ownership.ts'
import { readKafkaNow } from './job/kafka-now.ts'
import { createKafka, type Kafka } from './kafka/client.ts'
import { openLogReader, type LogReader } from './kafka/log-reader.ts'
import { openMembership, type Membership } from './kafka/membership.ts'
import { connectProducer, type RecordProducer } from './kafka/producer.ts'
import { topicSettings, waitForTopic, withAdmin } from './kafka/topics.ts'
import { watchKafka } from './kafka/watch.ts'
import type { Logger } from './process/log.ts'
import { taxRate } from './stream/money.ts'
import { createMetrics, type Metrics } from './metrics/metrics.ts'
import type { Pipeline } from './job/stages.ts'
import { runOnce, type RunSummary } from './job/run.ts'
import { Scheduler } from './job/scheduler.ts'
import { startAlerts } from './alerts/watch.ts'
import { startHousekeeping } from './housekeeping/housekeeping.ts'
import { acceptedAgeDays } from './housekeeping/retention.ts'
import { startBackground, type BackgroundOptions } from './operations/background.ts'
import { watchControl } from './operations/control.ts'
import { dismissExecutor } from './dead-letters/dismiss.ts'
import { redriveExecutor } from './dead-letters/redrive-executor.ts'
import { keepPresence } from './operations/presence.ts'
import { createReadiness } from './status/readiness.ts'
import type { Repetition } from './process/repeat.ts'
import { replayExecutor } from './replay/executor.ts'
import { createMonthKeeper } from './stream/facts.ts'
import { readOwner } from './ledger/owner.ts'
import { createPool } from './postgres/pool.ts'
import { waitForWarehouse } from './postgres/ready.ts'

export interface Worker {
  /** Resolves with the error when the worker can't go on and its process should end. */
  readonly crashed: Promise<Error>
  readonly scheduler: Scheduler
  /** Resolves when the group gave this worker its share; a coordinator that still loads may take its time. */
  joined(): Promise<void>
  /** Finishes the run under way, leaves the group, closes all. */
  stop(): Promise<void>
}

export type WorkerConfig = Config<'kafka' | 'database' | 'etl' | 'console' | 'alerts' | 'housekeeping'>

/** All that a worker's runs reach the world through. */
export interface Connections {
  readonly pool: Pool
  readonly reader: LogReader
  readonly producer: RecordProducer
  readonly membership: Membership
}

/** Connections that a worker keeps for the ledger beside its drains. */
const SPARE_CONNECTIONS = 2
/** What goes on beside the drains has connections of its own: a backlog never keeps the switch from being seen. */
const OPERATIONS_LIMITS = { connections: 4 }
/** A run that hangs keeps this worker's place in the group for so long after it was told to stop. */
const LEAVE_AFTER_MS = 4_000
/** Pages take few connections and end soon, so that nobody who looks can keep the job from working. */
const CONSOLE_LIMITS = { connections: 3, statementTimeoutMs: 10_000 }

/**
 * Starts a worker: waits for what it needs, joins the group, opens its port, and then runs by the clock.
 *
 * @param signal aborted when the worker is to stop, also while it still waits.
 * @param wrap gets the connections of the runs before they are used, and gives what is used in their place.
 * @throws MigrationMismatch and whatever else waiting would not mend.
 */
export async function startWorker(
  config: WorkerConfig,
  worker: string,
  logger: Logger,
  signal: AbortSignal,
  wrap = (open: Connections) => open,
): Promise<Worker> {
  const kafka = createKafka(config, logger, `global-sales-pulse-etl`)
  const loadPool = createPool(config, 'pulse_loader', logger)
  await waitForWarehouse(loadPool, logger, signal)
  const operationsPool = createPool(config, 'pulse_loader', logger, OPERATIONS_LIMITS)
  // Before Kafka answers: that it doesn't is one of the things to tell.
  const alerts = startAlerts({ pool: operationsPool, config, logger, topic: config.KAFKA_TOPIC })
  for (const topic of [config.KAFKA_TOPIC, config.KAFKA_DLQ_TOPIC])
    await waitForTopic(kafka, topic, logger, signal)
  await warnOfCreateTime(kafka, config.KAFKA_TOPIC, logger)

  const owner = await readOwner(loadPool)
  const crash = Promise.withResolvers<Error>()
  const { pool, reader, producer, membership } = wrap({
    pool: loadPool,
    reader: await openLogReader(kafka, config.KAFKA_TOPIC),
    producer: await connectProducer(kafka, { idempotent: false }),
    membership: await openMembership(kafka, {
      topic: config.KAFKA_TOPIC,
      groupId: config.KAFKA_GROUP_ID,
      sessionTimeoutMs: config.KAFKA_SESSION_TIMEOUT_MS,
      owner,
      logger,
      onCrash: crash.resolve,
    }),
  })

  const pipeline = createPipeline(config, { pool, reader, producer, membership })
  const { metrics } = pipeline
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
  let pausing = new AbortController()
  const scheduler: Scheduler = new Scheduler({
    expression: config.ETL_SCHEDULE,
    logger,
    run: async (kind) => {
      if (control.isPaused()) return
      const summary = await runOnce(pipeline, settings, kind, AbortSignal.any([signal, pausing.signal]))
      reportRun(logger, summary)
    },
  })
  const control = await watchControl(operationsPool, logger, {
    run: () => scheduler.trigger('manual'),
    pause: () => pausing.abort(new Error('paused')),
    resume: () => (pausing = new AbortController()),
  })
  metrics.watchPause(() => control.isPaused())
  // Before the first tick, so that whoever starts anew has its share when it is due.
  await joinOwnGroup({ ...settings, pool: operationsPool, membership }, kafka)
  const kafkaWatch = watchKafka(kafka, logger)
  const presence = keepPresence(
    operationsPool,
    worker,
    () => ({
      schedule: config.ETL_SCHEDULE,
      nextTickAt: scheduler.nextTick,
      partitions: membership.partitions(),
      problem:
        kafkaWatch.problem() ??
        (membership.isMember() || membership.standsAside() ? undefined : 'not in its consumer group'),
    }),
    logger,
  )
  const consolePool = createPool(config, 'pulse_loader', logger, CONSOLE_LIMITS)
  const server = await startServer(
    {
      late: () => lateness(scheduler, config.ETL_RUN_BUDGET_MS),
      notReady: createReadiness({ kafka: kafkaWatch, membership, presence, pool: consolePool }),
    },
    metrics,
    { pool: consolePool, kafka, config, logger, worker, unwritable: () => presence.problem() },
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
    ...startOperations(
      { config, worker, logger, kafka, producer, pipeline: { ...pipeline, pool: operationsPool } },
      () => control.isPaused(),
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
      await Promise.all([producer.disconnect(), reader.close(), server.close()])
      await Promise.all([pool.end(), operationsPool.end(), consolePool.end()])
    },
  }
}

/** Where it fails the first run does it. */
async function joinOwnGroup(check: GroupCheck, kafka: Kafka): Promise<void> {
  try {
    await keepToOwnGroup(check, await readKafkaNow(kafka, check.topic, check.groupId))
  } catch (error) {
    check.logger.warn({ err: error }, 'could not join the group yet; the first run does')
  }
}

interface Operations {
  readonly config: WorkerConfig
  readonly worker: string
  readonly logger: Logger
  readonly kafka: Kafka
  readonly producer: RecordProducer
  readonly pipeline: Pipeline
}

/** All that goes on beside the runs. Replays have a lane of their own: a redrive doesn't wait for hours. */
function startOperations(
  { config, worker, logger, kafka, producer, pipeline }: Operations,
  isPaused: () => boolean,
): Repetition[] {
  const { pool } = pipeline
  const lane = (executors: BackgroundOptions['executors']) =>
    startBackground({ pool, worker, logger, isPaused, executors })
  return [
    lane({
      redrive: redriveExecutor({ pool, producer, topic: config.KAFKA_TOPIC }),
      dismiss: dismissExecutor({ pool }),
    }),
    lane({ replay: replayExecutor({ kafka, pipeline, worker, logger }) }),
    startHousekeeping({ pool, kafka, config, worker, logger, isPaused }),
  ]
}

/** The pipeline as the configuration has it, over connections that are open. */
export function createPipeline<Open extends Pick<Pipeline, 'pool' | 'reader' | 'producer' | 'membership'>>(
  config: Config<'kafka' | 'etl' | 'housekeeping'>,
  open: Open,
): Pipeline & Open & { readonly metrics: Metrics } {
  return {
    ...open,
    months: createMonthKeeper(open.pool),
    metrics: createMetrics(open),
    dlqTopic: config.KAFKA_DLQ_TOPIC,
    batchSize: config.BATCH_SIZE,
    batchBytes: config.BATCH_BYTES,
    maxAgeDays: acceptedAgeDays(config),
    deadLetterMaxRatio: config.DEAD_LETTER_MAX_RATIO,
    taxRate: taxRate(config.TAX_RATE),
    fraudRules: checkedFraudRules(FRAUD_RULES),
  }
}

/** A run may take its budget, and a tick may be a little late; more than that, and something hangs. */
const LATE_AFTER_MS = 60_000

function lateness(scheduler: Scheduler, budgetMs: number): string | undefined {
  const limit = (scheduler.isRunning ? budgetMs : scheduler.interval) + LATE_AFTER_MS
  if (scheduler.sinceAttempt <= limit) return undefined
  return `no run was begun for ${Math.round(scheduler.sinceAttempt / 1000)} s`
}

function reportRun(logger: Logger, { runId, durationMs, error, ...summary }: RunSummary): void {
  const fields = { run_id: runId, ...summary, duration_ms: Math.round(durationMs) }
  if (error !== undefined) logger.error({ ...fields, error }, 'run failed')
  else if (summary.stopped > 0) logger.warn(fields, 'run, with partitions stopped: see pulse partitions list')
  else logger.info(fields, 'run')
}

async function warnOfCreateTime(kafka: Kafka, topic: string, logger: Logger): Promise<void> {
  const settings = await withAdmin(kafka, (admin) => topicSettings(admin, topic))
  if (settings['message.timestamp.type'] === 'CreateTime') {
    logger.warn(
      { topic },
      'the topic keeps the producers’ timestamps: set message.timestamp.type=LogAppendTime',
    )
  }
}
