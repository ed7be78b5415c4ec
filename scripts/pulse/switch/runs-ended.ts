import { setTimeout as delay } from 'node:timers/promises'
import type { Pool } from 'pg'
import { CommandFailed } from '../errors.ts'

/** A run that brought new records in, or tried to. */
export interface EndedRun {
  readonly id: number
  readonly worker: string
  readonly status: string
  readonly consumed: number
  readonly error: string | null
}

const LOOK_EVERY_MS = 250

/**
 * Waits until each of these workers has ended a run that began after a moment.
 *
 * @returns the first such run of each.
 * @throws CommandFailed after `timeout` seconds: the runs go on.
 */
export async function runsEnded(
  pool: Pool,
  workers: readonly string[],
  after: Date,
  timeout: number,
): Promise<EndedRun[]> {
  const deadline = performance.now() + timeout * 1_000
  for (;;) {
    const { rows } = await pool.query<EndedRun>(
      `select distinct on (worker) id, worker, status, consumed, error
       from audit.pipeline_runs
       where kind in ('tick', 'manual') and worker = any($1) and started_at >= $2 and status <> 'running'
       order by worker, id`,
      [workers, after],
    )
    if (rows.length === workers.length) return rows
    if (performance.now() > deadline) {
      const ended = new Set(rows.map(({ worker }) => worker))
      const slow = workers.filter((worker) => !ended.has(worker))
      throw new CommandFailed(`After ${timeout} s no run has ended of: ${slow.join(', ')}. See: pulse status`)
    }
    await delay(LOOK_EVERY_MS)
  }
}
