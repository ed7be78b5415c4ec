import { acknowledge, type Outbox } from './acknowledge.ts'
import { limitsAfter, twice } from './crash-loop.ts'
import { extract } from './extract.ts'
import type { Batch } from '../ledger/batches.ts'
import type { FraudRule } from '../stream/fraud-rules.ts'
import { PartitionCursor } from '../kafka/cursor.ts'
import type { LogReader } from '../kafka/log-reader.ts'
import type { Membership } from '../kafka/membership.ts'
import { load, type LoadOutcome, type PreparedBatch } from './load.ts'
import type { Logger } from '../process/log.ts'
import type { RunObserver } from './observer.ts'
import type { TaxRate } from '../stream/money.ts'
import { loadWithRecovery } from './recovery.ts'
import { transform } from './transform.ts'
import { validate } from './validate.ts'
import type { MonthKeeper } from '../stream/facts.ts'
import { stopPartition, type Progress } from '../ledger/progress.ts'

/** What the pipeline works with; made once by main. */
export interface Pipeline extends Outbox {
  readonly reader: LogReader
  readonly membership: Pick<Membership, 'join' | 'stepAside' | 'commit' | 'partitions' | 'rebalances'>
  readonly metrics: RunObserver
  readonly months: MonthKeeper
  readonly batchSize: number
  readonly batchBytes: number
  readonly maxAgeDays: number
  readonly deadLetterMaxRatio: number
  readonly taxRate: TaxRate
  readonly fraudRules: readonly FraudRule[]
}

/** One run's share of the work. */
export interface RunLimits {
  readonly runId: number
  /** Aborted when the process is told to stop. */
  readonly signal: AbortSignal
  /** Whether the run's time is up. */
  readonly isOver: () => boolean
  readonly onRetry: () => void
  /** Its lines carry the run_id. */
  readonly logger: Logger
}

/**
 * Why a partition's drain ended: at the end offset, by the clock or a signal, because the group gave it
 * to another worker, because an operator is needed, or because the watermark was moved by somebody else.
 */
export type DrainResult = 'drained' | 'interrupted' | 'not_ours' | 'stopped' | 'moved'

const ACKNOWLEDGE_EVERY_MS = 1_000

/**
 * The job, for one partition: extract, validate, transform, load, acknowledge, batch by batch, from the
 * watermark to the end offset that was noted when the run began.
 *
 * @param deaths of workers since the watermark last moved: the first batches are smaller then.
 */
export async function drainPartition(
  pipeline: Pipeline,
  progress: Progress,
  end: number,
  run: RunLimits,
  deaths = 0,
): Promise<DrainResult> {
  const logger = run.logger.child({ partition: progress.partition })
  const cursor = new PartitionCursor(pipeline.reader, progress.partition, progress.nextOffset)
  let loadedTo = progress.nextOffset
  let acknowledgedAt = performance.now()
  const full = { maxRecords: pipeline.batchSize, maxBytes: pipeline.batchBytes }
  let limits = limitsAfter(deaths, full)

  const drain = async (): Promise<DrainResult> => {
    for (;;) {
      if (run.signal.aborted || run.isOver()) return 'interrupted'
      if (!pipeline.membership.partitions().includes(progress.partition)) return 'not_ours'
      const started = performance.now()
      const batch = await extract(cursor, progress, { end, ...limits })
      if (batch === undefined) return 'drained'
      const outcome = await processBatch(pipeline, batch, performance.now() - started, run, logger)
      if (outcome.kind === 'moved' || outcome.kind === 'stopped') return outcome.kind
      if (outcome.kind === 'mass_rejection') {
        if (await stopPartition(pipeline.pool, outcome.seen, 'mass_rejection', outcome.reason)) {
          logger.error({ batch_id: batch.id }, `partition stopped: ${outcome.reason}`)
        }
        return 'stopped'
      }
      loadedTo = batch.to
      limits = twice(limits, full)
      if (performance.now() - acknowledgedAt > ACKNOWLEDGE_EVERY_MS) {
        await acknowledge(pipeline, progress, loadedTo, logger)
        acknowledgedAt = performance.now()
      }
    }
  }

  const result = await drain().catch(async (error: unknown) => {
    await acknowledge(pipeline, progress, loadedTo, logger) // what was loaded before it failed
    throw error
  })
  // Also without a new batch: what an earlier run could not publish or commit is made good here.
  if (result !== 'not_ours' && result !== 'moved') await acknowledge(pipeline, progress, loadedTo, logger)
  return result
}

async function processBatch(
  pipeline: Pipeline,
  batch: Batch,
  extractMs: number,
  run: RunLimits,
  runLogger: Logger,
): Promise<LoadOutcome> {
  const logger = runLogger.child({ batch_id: batch.id })
  const started = performance.now()
  const { valid, rejected } = validate(batch.records, pipeline)
  const validated = performance.now()
  const facts = transform(valid, pipeline)
  const timings = {
    extract: extractMs,
    validate: validated - started,
    transform: performance.now() - validated,
  }
  try {
    const outcome = await loadWithRecovery(
      { batch, facts, rejected, timings },
      {
        load: (prepared) => loadMeasured(pipeline, prepared, run.runId),
        signal: run.signal,
        onRetry: run.onRetry,
        logger,
      },
    )
    logger.debug({ ...outcome, ...timings }, 'batch')
    return outcome
  } catch (error) {
    if (error !== run.signal.reason)
      logger.error({ err: error }, 'the batch was not loaded; its offsets stay')
    throw error
  }
}

async function loadMeasured(
  pipeline: Pipeline,
  prepared: PreparedBatch,
  runId: number,
): Promise<LoadOutcome> {
  const started = performance.now()
  const outcome = await load(pipeline, prepared, runId)
  if (outcome.kind === 'loaded') pipeline.metrics.batchLoaded(prepared, outcome, performance.now() - started)
  return outcome
}
