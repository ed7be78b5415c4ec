import type { Pool } from 'pg'
import type { Kafka } from '../kafka/client.ts'
import { readParts } from '../kafka/log-parts.ts'
import { openLogReader, type LogReader } from '../kafka/log-reader.ts'
import { storedMessage, type Logger } from '../process/log.ts'
import { commit, inTransaction, rollback } from '../postgres/transaction.ts'
import { JobLost, type Executor, type Job } from '../operations/background.ts'
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
    const runId = await openReplayRun(pool, job.action.id, worker)
    if (runId === undefined) throw new JobLost(`another worker took action ${job.action.id} over`)
    const logger = settings.logger.child({ run_id: runId, action_id: job.action.id })
    try {
      const figures = await replay({ ...settings, logger }, job)
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
  let figures = (job.action.result as ReplayFigures | null) ?? NO_FIGURES
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
  for await (const part of readParts(
    reader,
    range.partition,
    { from: range.next, to: range.to },
    limits,
    logStart,
  )) {
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

async function readReplayRanges(pool: Pool, actionId: number): Promise<ReplayProgress[]> {
  const { rows } = await pool.query<ReplayProgress>(
    `select topic, partition, incarnation, from_offset as "from", to_offset as "to", next_offset as next
     from audit.replay_ranges where action_id = $1 order by partition`,
    [actionId],
  )
  return rows
}

/**
 * A replay is one run in the ledger, however often it is interrupted: it is opened again when it goes on.
 * Its totals stay 0, because it consumes nothing anew; what it read is its action's progress.
 *
 * @returns the run's id, or undefined where another worker has the action now.
 */
function openReplayRun(pool: Pool, actionId: number, worker: string): Promise<number | undefined> {
  return inTransaction<number | undefined>(pool, async (client) => {
    // The action's row is locked until the run is named in it: two workers never open a run each.
    const { rows } = await client.query<{ runId: number | null }>(
      `select run_id as "runId" from audit.operator_actions
       where id = $1 and worker = $2 and status in ('running', 'stopping') for update`,
      [actionId, worker],
    )
    if (rows[0] === undefined) return rollback(undefined)
    const { runId } = rows[0]
    if (runId !== null) {
      await client.query(
        `update audit.pipeline_runs
         set retries = retries + case when status = 'failed' then 1 else 0 end,
             status = 'running', worker = $2, finished_at = null, error = null
         where id = $1`,
        [runId, worker],
      )
      return commit(runId)
    }
    const opened = await client.query<{ id: number }>(
      `insert into audit.pipeline_runs (kind, worker) values ('replay', $1) returning id`,
      [worker],
    )
    const { id } = opened.rows[0]!
    await client.query('update audit.operator_actions set run_id = $2 where id = $1', [actionId, id])
    return commit(id)
  })
}

/** Leaves the run alone where another worker has opened it again. */
async function closeReplayRun(
  pool: Pool,
  runId: number,
  worker: string,
  outcome: { status: 'succeeded' | 'failed' | 'abandoned'; error?: string },
): Promise<void> {
  await pool.query(
    `update audit.pipeline_runs set status = $3, error = $4, finished_at = now()
     where id = $1 and worker = $2 and status = 'running'`,
    [runId, worker, outcome.status, outcome.error ?? null],
  )
}
