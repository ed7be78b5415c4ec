import type { Pool } from 'pg'
import { commit, inTransaction, rollback } from '../postgres/transaction.ts'

/**
 * A replay is one run in the ledger, however often it is interrupted: it is opened again when it goes on.
 * Its totals stay 0, because it consumes nothing anew; what it read is its action's progress.
 *
 * @returns the run's id, or undefined where another worker has the action now.
 */
export function openReplayRun(pool: Pool, actionId: number, worker: string): Promise<number | undefined> {
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
export async function closeReplayRun(
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
