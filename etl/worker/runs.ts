import type { Pool } from 'pg'
import { acceptedAgeDays } from '../housekeeping/retention.ts'
import { keepToOwnGroup, type GroupCheck } from '../job/group-ownership.ts'
import { Patience } from '../job/learn-schemas.ts'
import { openRegistry } from '../job/schema-registry.ts'
import { readKafkaNow } from '../job/kafka-now.ts'
import { runOnce, type RunSettings, type RunSummary } from '../job/run.ts'
import { Scheduler } from '../job/scheduler.ts'
import type { Pipeline } from '../job/stages.ts'
import type { Kafka } from '../kafka/client.ts'
import type { ControlWatch } from '../operations/control.ts'
import type { Config } from '../process/config.ts'
import type { Logger } from '../process/log.ts'
import {
  appliedMigrations,
  MigrationMismatch,
  requireSameMigrations,
  type Migrations,
} from '../postgres/migrations.ts'
import type { Stream } from '../stream/compile.ts'
import { requireRegistered, StreamMismatch } from '../stream/registry.ts'
import { createMonthKeeper } from '../stream/months.ts'

/** The pipeline of a stream as the configuration has it, over connections that are open. */
export function createPipeline<
  Open extends Pick<Pipeline, 'pool' | 'reader' | 'producer' | 'membership'>,
  Beside extends Pick<Pipeline, 'dispatcher' | 'interval' | 'metrics' | 'requireSameWarehouse'>,
>(
  config: Config<'kafka' | 'etl' | 'housekeeping'>,
  stream: Stream,
  open: Open,
  beside: Beside,
): Pipeline & Open & Beside {
  return {
    ...open,
    ...beside,
    stream,
    months: createMonthKeeper(open.pool, stream),
    registry: openRegistry(config),
    patience: new Patience(),
    dlqTopic: config.KAFKA_DLQ_TOPIC,
    batchSize: config.BATCH_SIZE,
    batchBytes: config.BATCH_BYTES,
    maxAgeDays: acceptedAgeDays(config, stream.definition),
    deadLetterMaxRatio: config.DEAD_LETTER_MAX_RATIO,
  }
}

/**
 * The gate that no restart goes round: migrations and contract are those that the warehouse was migrated for.
 *
 * @param onOutdated told where they are not.
 * @throws MigrationMismatch, StreamMismatch.
 */
export async function requireSameWarehouse(
  pool: Pool,
  own: Migrations,
  { definition }: Stream,
  onOutdated: (error: Error) => void,
): Promise<void> {
  try {
    requireSameMigrations(await appliedMigrations(pool), own)
    await requireRegistered(pool, definition)
  } catch (error) {
    if (error instanceof MigrationMismatch || error instanceof StreamMismatch) onOutdated(error)
    throw error
  }
}

/**
 * Ties the scheduler of a stream to its switch: paused, the run under way ends with its batch and nothing begins until
 * an operator resumes. The clock itself is not started yet.
 *
 * @param signal aborted when the worker is to stop.
 */
export function createScheduler(
  pipeline: Pipeline,
  settings: RunSettings,
  control: ControlWatch,
  expression: string,
  signal: AbortSignal,
): { readonly scheduler: Scheduler; readonly isPaused: () => boolean } {
  const { logger } = settings
  let pausing = new AbortController()
  const scheduler: Scheduler = new Scheduler({
    expression,
    logger,
    run: async (kind) => {
      if (isPaused()) return
      report(logger, await runOnce(pipeline, settings, kind, AbortSignal.any([signal, pausing.signal])))
    },
  })
  const isPaused = control.steer(pipeline.stream.name, {
    logger,
    run: () => scheduler.trigger('manual'),
    pause: () => pausing.abort(new Error('paused')),
    resume: () => (pausing = new AbortController()),
  })
  return { scheduler, isPaused }
}

function report(logger: Logger, { runId, durationMs, error, ...summary }: RunSummary): void {
  const fields = { run_id: runId, ...summary, duration_ms: Math.round(durationMs) }
  if (error !== undefined) logger.error({ ...fields, error }, 'run failed')
  else if (summary.stopped > 0) logger.warn(fields, 'run, with partitions stopped: see pulse partitions list')
  else logger.info(fields, 'run')
}

/** Before the first tick, so that whoever starts anew has its share when it is due. Where it fails the first run does it. */
export async function joinOwnGroup(check: GroupCheck, kafka: Kafka): Promise<void> {
  try {
    await keepToOwnGroup(check, await readKafkaNow(kafka, check.topic, check.groupId))
  } catch (error) {
    check.logger.warn({ err: error }, 'could not join the group yet; the first run does')
  }
}

/** A run may take its budget, and a tick may be a little late; more than that, and something hangs. */
const LATE_AFTER_MS = 60_000

/** What /healthz says of the clock; undefined while runs are begun on time. */
export function lateness(scheduler: Scheduler, budgetMs: number): string | undefined {
  const limit = (scheduler.isRunning ? budgetMs : scheduler.interval) + LATE_AFTER_MS
  if (scheduler.sinceAttempt <= limit) return undefined
  return `no run was begun for ${Math.round(scheduler.sinceAttempt / 1000)} s`
}
