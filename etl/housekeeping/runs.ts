import type { Pool } from 'pg'
import { commit, inTransaction } from '../postgres/transaction.ts'
import { MONTHS_AHEAD_MISSING } from './months.ts'

/**
 * Opens a run of housekeeping where one is due: the last that succeeded is a day old, or a month ahead is
 * missing. The row is the claim. Those who come at the same time look one after the other (the advisory
 * lock, held for this moment only, so that it is safe behind a pooler too) and the second finds the row.
 *
 * A run that is an hour old belongs to a worker that died, or to a slow one. Then two go on side by side,
 * which does no harm: each step decides by what is there, and the steps wait for each other.
 *
 * @returns its id, or undefined where nothing is to be done here.
 */
export async function claimRun(pool: Pool, worker: string): Promise<number | undefined> {
  return inTransaction(pool, async (client) => {
    await client.query(`select pg_advisory_xact_lock(hashtext('pulse: claim housekeeping'))`)
    await client.query(
      `update audit.pipeline_runs set status = 'abandoned', finished_at = now(), error = 'the worker ended without a word'
       where kind = 'housekeeping' and status = 'running' and (worker = $1 or started_at < now() - interval '1 hour')`,
      [worker],
    )
    const { rows } = await client.query<{ id: number }>(
      `insert into audit.pipeline_runs (kind, worker)
       select 'housekeeping', $1
       where not exists (select from audit.pipeline_runs where kind = 'housekeeping' and status = 'running')
         and (exists (${MONTHS_AHEAD_MISSING}) or not exists (
           select from audit.pipeline_runs
           where kind = 'housekeeping' and status = 'succeeded' and started_at > now() - interval '1 day'))
       returning id`,
      [worker],
    )
    return commit(rows[0]?.id)
  })
}

export interface RunOutcome {
  readonly status: 'succeeded' | 'failed' | 'abandoned'
  readonly error: string | undefined
}

export async function closeRun(pool: Pool, runId: number, { status, error }: RunOutcome): Promise<void> {
  await pool.query(
    `update audit.pipeline_runs set status = $2, error = $3, finished_at = now() where id = $1`,
    [runId, status, error ?? null],
  )
}
