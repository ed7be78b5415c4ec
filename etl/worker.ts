import type { Config } from './config.ts'
import { startServer } from './console/server.ts'
import { checkedFraudRules, FRAUD_RULES } from './fraud-rules.ts'
import { createKafka, type Kafka } from './kafka/client.ts'
import { openLogReader } from './kafka/log-reader.ts'
import { joinGroup } from './kafka/membership.ts'
import { connectProducer } from './kafka/producer.ts'
import { topicSettings, waitForTopic, withAdmin } from './kafka/topics.ts'
import type { Logger } from './log.ts'
import { taxRate } from './money.ts'
import type { Pipeline } from './pipeline.ts'
import { runOnce, type RunSummary } from './run.ts'
import { Scheduler } from './scheduler.ts'
import { createMonthKeeper } from './warehouse/facts.ts'
import { createPool } from './warehouse/pool.ts'
import { waitForWarehouse } from './warehouse/ready.ts'

export interface Worker {
  /** Resolves with the error when the worker can't go on and its process should end. */
  readonly crashed: Promise<Error>
  readonly scheduler: Scheduler
  /** Resolves when the group gave this worker its share; a coordinator that still loads may take its time. */
  joined(): Promise<void>
  /** Finishes the run under way, leaves the group, closes all. */
  stop(): Promise<void>
}

/** Connections that a worker keeps for all but the drains: ledger, health, console. */
const SPARE_CONNECTIONS = 2

/**
 * Starts a worker: waits for what it needs, joins the group, opens its port, and then runs by the clock.
 *
 * @param signal aborted when the worker is to stop, also while it still waits.
 * @throws MigrationMismatch and whatever else waiting would not mend.
 */
export async function startWorker(
  config: Config<'kafka' | 'database' | 'etl'>,
  worker: string,
  logger: Logger,
  signal: AbortSignal,
): Promise<Worker> {
  const kafka = createKafka(config, logger, `global-sales-pulse-etl`)
  const pool = createPool(config, 'pulse_loader', logger)
  await waitForWarehouse(pool, logger, signal)
  for (const topic of [config.KAFKA_TOPIC, config.KAFKA_DLQ_TOPIC])
    await waitForTopic(kafka, topic, logger, signal)
  await warnOfCreateTime(kafka, config.KAFKA_TOPIC, logger)

  const crash = Promise.withResolvers<Error>()
  const reader = await openLogReader(kafka, config.KAFKA_TOPIC)
  const producer = await connectProducer(kafka, { idempotent: false })
  const membership = await joinGroup(kafka, {
    topic: config.KAFKA_TOPIC,
    groupId: config.KAFKA_GROUP_ID,
    sessionTimeoutMs: config.KAFKA_SESSION_TIMEOUT_MS,
    logger,
    onCrash: crash.resolve,
  })

  const pipeline = createPipeline(config, { pool, reader, producer, membership })
  const settings = {
    kafka,
    worker,
    logger,
    topic: config.KAFKA_TOPIC,
    budgetMs: config.ETL_RUN_BUDGET_MS,
    concurrency: Math.max(1, config.DATABASE_POOL_SIZE - SPARE_CONNECTIONS),
  }
  const scheduler = new Scheduler({
    expression: config.ETL_SCHEDULE,
    logger,
    run: async (kind) => {
      const summary = await runOnce(pipeline, settings, kind, signal)
      reportRun(logger, summary)
    },
  })
  const server = await startServer(
    {
      late: () => lateness(scheduler, config.ETL_RUN_BUDGET_MS),
      notReady: async () => {
        if (!membership.isMember()) return 'this worker is not in its consumer group'
        return pool.query('select 1').then(
          () => undefined,
          () => 'the warehouse does not answer',
        )
      },
    },
    config.HTTP_PORT,
  ).catch(async (error: unknown) => {
    await membership.leave() // or the others wait for our share until the session times out
    throw error
  })
  logger.info({ address: server.listeningOrigin, schedule: config.ETL_SCHEDULE }, 'ready')
  scheduler.start()

  return {
    scheduler,
    crashed: crash.promise,
    joined: () => membership.joined(),
    stop: async () => {
      await scheduler.stop()
      await Promise.all([membership.leave(), producer.disconnect(), reader.close(), server.close()])
      await pool.end()
    },
  }
}

/** The pipeline as the configuration has it, over connections that are open. */
export function createPipeline<Open extends Pick<Pipeline, 'pool' | 'reader' | 'producer' | 'membership'>>(
  config: Config<'kafka' | 'etl'>,
  open: Open,
): Pipeline & Open {
  return {
    ...open,
    months: createMonthKeeper(open.pool),
    dlqTopic: config.KAFKA_DLQ_TOPIC,
    batchSize: config.BATCH_SIZE,
    batchBytes: config.BATCH_BYTES,
    maxAgeDays: config.TRANSACTION_MAX_AGE_DAYS,
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
