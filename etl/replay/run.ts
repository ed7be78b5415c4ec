import type { Pool } from 'pg'
import type { Kafka } from '../kafka/client.ts'
import { readParts } from '../kafka/log-parts.ts'
import { openLogReader, type LogReader } from '../kafka/log-reader.ts'
import { storedMessage, type Logger } from '../process/log.ts'
import { commit, inTransaction, rollback } from '../postgres/transaction.ts'
import { and, eq, sql } from '../postgres/drizzle.ts'
import { columnsOf, on } from '../postgres/query.ts'
import { pipelineRuns } from '../schema/audit.ts'
import { operatorActions, replayRanges } from '../schema/operations.ts'
import type { Action } from '../operations/actions.ts'
import { isHeldBy, JobLost, type Executor, type Job } from '../operations/background.ts'
import { fillOf } from './fill.ts'
import { NO_FIGURES, type ReplayFigures } from './figures.ts'
import { requireKnownLog } from './plan.ts'
import { replayPart, requireSameOffsets, type ReplayProgress, type ReplayRules } from './step.ts'

export interface ReplaySettings {
  readonly kafka: Kafka
  readonly pipeline: ReplayRules
  readonly worker: string
  readonly logger: Logger
}

/**
 * Reads the ranges of a replay again, with a connection of its own that is open only as long, and derives
 * from each record what the current code derives. Goes on where it was.
 */
export function replayExecutor(settings: ReplaySettings): Executor {
  const { worker, pipeline } = settings
  const { pool } = pipeline
  return async (job) => {
    const runId = await openReplayRun(pool, job.action, { stream: pipeline.stream.name, worker })
    if (runId === undefined) throw new JobLost(`another worker took action ${job.action.id} over`)
    const logger = settings.logger.child({ run_id: runId, action_id: job.action.id })
    try {
      const field = job.action.target['fill'] as string | undefined
      const fill = field === undefined ? undefined : fillOf(pipeline.stream, field)
      const figures = await replay({ ...settings, logger, pipeline: { ...pipeline, fill } }, job)
      await closeReplayRun(pool, runId, worker, { status: 'succeeded' })
      return { ...figures }
    } catch (error) {
      const outcome = job.signal.aborted
        ? { status: 'abandoned' as const, error: WHY_ENDED[String(job.signal.reason)] ?? 'interrupted' }
        : { status: 'failed' as const, error: storedMessage(error) }
      // Where not even that can be written, the error itself is what matters.
      await closeReplayRun(pool, runId, worker, outcome).catch(() => undefined)
      throw error
    }
  }
}

/** By what the job's signal says. */
const WHY_ENDED: Readonly<Record<string, string>> = {
  stopped: 'stopped by an operator; it can be continued',
  paused: 'everything was paused; it goes on when resumed',
  stopping: 'the worker ended; another one goes on',
}

async function replay(settings: ReplaySettings, job: Job): Promise<ReplayFigures> {
  const ranges = await readReplayRanges(settings.pipeline.pool, job.action.id)
  let figures: ReplayFigures = { ...NO_FIGURES, ...(job.action.result as ReplayFigures | null) }
  const left = ranges.filter(({ next, to }) => next < to)
  if (left[0] === undefined) return figures
  job.signal.throwIfAborted()
  const reader = await openLogReader(settings.kafka, left[0].topic)
  try {
    for (const range of left) figures = await replayRange(settings, job, reader, range, figures)
  } finally {
    await reader.close()
  }
  return figures
}

async function replayRange(
  { kafka, pipeline, logger }: ReplaySettings,
  job: Job,
  reader: LogReader,
  range: ReplayProgress,
  before: ReplayFigures,
): Promise<ReplayFigures> {
  const logStart = async () => {
    const now = await requireKnownLog(pipeline.pool, kafka, reader, range)
    requireSameOffsets(now.progress, range)
    return now.start
  }
  await logStart()
  const limits = { maxRecords: pipeline.batchSize, maxBytes: pipeline.batchBytes }
  let figures = before
  const parts = readParts(reader, range.partition, { from: range.next, to: range.to }, limits, logStart)
  for await (const part of parts) {
    job.signal.throwIfAborted()
    if (part.kind === 'gone')
      logger.warn(
        { partition: range.partition, from_offset: part.from, to_offset: part.to },
        'Kafka no longer holds a part of the replay',
      )
    figures = await replayPart(pipeline, job, range, part, figures)
  }
  return figures
}

function readReplayRanges(pool: Pool, actionId: number): Promise<ReplayProgress[]> {
  const range = replayRanges
  return on(pool)
    .select({
      ...columnsOf(range, 'topic', 'partition', 'incarnation'),
      from: range.fromOffset,
      to: range.toOffset,
      next: range.nextOffset,
    })
    .from(range)
    .where(eq(range.actionId, actionId))
    .orderBy(range.partition)
}

/**
 * A replay is one run in the ledger, however often it is interrupted: it is opened again when it goes on.
 * Its totals stay 0, because it consumes nothing anew; what it read is its action's progress.
 *
 * @returns the run's id, or undefined where another worker has the action now.
 */
function openReplayRun(
  pool: Pool,
  action: Action,
  { stream, worker }: { readonly stream: string; readonly worker: string },
): Promise<number | undefined> {
  return inTransaction<number | undefined>(pool, async (client) => {
    // The action's row is locked until the run is named in it: two workers never open a run each.
    const [held] = await on(client)
      .select({ runId: operatorActions.runId })
      .from(operatorActions)
      .where(isHeldBy(worker, action))
      .for('update')
    if (held === undefined) return rollback(undefined)
    const { runId } = held
    if (runId !== null) {
      await on(client)
        .update(pipelineRuns)
        .set({
          retries: sql`${pipelineRuns.retries} + case when ${pipelineRuns.status} = 'failed' then 1 else 0 end`,
          status: 'running',
          worker,
          finishedAt: null,
          error: null,
        })
        .where(eq(pipelineRuns.id, runId))
      return commit(runId)
    }
    const [opened] = await on(client)
      .insert(pipelineRuns)
      .values({ kind: 'replay', stream, worker })
      .returning({ id: pipelineRuns.id })
    const { id } = opened!
    await on(client).update(operatorActions).set({ runId: id }).where(eq(operatorActions.id, action.id))
    return commit(id)
  })
}

/** Leaves the run alone where another worker has opened it again. */
async function closeReplayRun(
  pool: Pool,
  runId: number,
  worker: string,
  { status, error = null }: { status: 'succeeded' | 'failed' | 'abandoned'; error?: string | null },
): Promise<void> {
  const run = pipelineRuns
  await on(pool)
    .update(run)
    .set({ status, error, finishedAt: sql`now()` })
    .where(and(eq(run.id, runId), eq(run.worker, worker), eq(run.status, 'running')))
}
