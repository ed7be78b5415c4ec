import type { Pool } from 'pg'
import { on } from '../postgres/query.ts'
import { pipelineRuns, type RUN_KINDS } from '../schema/audit.ts'

/** Ticks and manual runs drain; replays and housekeeping are runs of their own beside them. */
export const DRAIN_KINDS = ['tick', 'manual'] as const satisfies readonly RunKind[]
export type DrainKind = (typeof DRAIN_KINDS)[number]
export type RunKind = (typeof RUN_KINDS)[number]

/** A worker that was not seen for so long is gone. */
export const GONE_AFTER_SECONDS = 15

/**
 * Opens a run of a stream, and closes its drains that died: this worker's own, of its last life, and those whose
 * worker is no longer seen, or that would be over long since. One that lives after all closes its run itself, later.
 */
export async function startRun(
  pool: Pool,
  run: { readonly stream: string; readonly kind: DrainKind; readonly worker: string },
  budgetMs: number,
): Promise<number> {
  await pool.query(
    `update audit.pipeline_runs r set status = 'abandoned', finished_at = now(), error = 'the worker ended without a word'
     where status = 'running' and kind in ('tick', 'manual') and stream = $4 and (
       worker = $1 or started_at < now() - make_interval(secs => $2)
       or started_at < now() - make_interval(secs => $3)
          and exists (select from audit.workers w
                      where (w.name, w.stream) = (r.worker, r.stream) and w.seen_at < now() - make_interval(secs => $3)))`,
    [run.worker, (2 * budgetMs) / 1000 + 300, GONE_AFTER_SECONDS, run.stream],
  )
  const [opened] = await on(pool).insert(pipelineRuns).values(run).returning({ id: pipelineRuns.id })
  return opened!.id
}

export interface RunTotals {
  readonly batches: number
  readonly consumed: number
  readonly loaded: number
  readonly duplicate: number
  readonly skipped: number
  readonly deadLettered: number
}

/** Closes a run; its totals are the sums of its batches, so that they hold after any crash in between. */
export async function finishRun(
  pool: Pool,
  runId: number,
  outcome: { status: 'succeeded' | 'failed'; error: string | undefined; retries: number },
): Promise<RunTotals> {
  const { rows } = await pool.query<RunTotals>(
    `update audit.pipeline_runs r
     set status = $2, error = $3, retries = $4, finished_at = now(), batches = b.batches, consumed = b.consumed,
         loaded = b.loaded, duplicate = b.duplicate, skipped = b.skipped, dead_lettered = b.dead_lettered
     from (
       select count(*) as batches, coalesce(sum(consumed), 0)::bigint as consumed, coalesce(sum(loaded), 0)::bigint as loaded,
              coalesce(sum(duplicate), 0)::bigint as duplicate, coalesce(sum(skipped), 0)::bigint as skipped,
              coalesce(sum(dead_lettered), 0)::bigint as dead_lettered
       from audit.pipeline_batches where run_id = $1
     ) b
     where r.id = $1
     returning r.batches, r.consumed, r.loaded, r.duplicate, r.skipped, r.dead_lettered as "deadLettered"`,
    [runId, outcome.status, outcome.error ?? null, outcome.retries],
  )
  return rows[0]!
}
