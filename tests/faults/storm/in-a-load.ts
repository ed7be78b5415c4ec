import { setTimeout as delay } from 'node:timers/promises'
import type { Place } from './place.ts'

/** Workers tick each second, not at one time: with partitions shared out, that is a load or two. */
const LIMIT_MS = 600

/**
 * Waits until a worker has a load under way: the watermark's row is locked first and kept locked to the end.
 *
 * @param laterMs of a load of some 20 ms: where in it the caller wants to strike.
 * @returns the worker's number; undefined if there is no such load.
 */
export async function inALoad({ pool }: Place, laterMs: number): Promise<number | undefined> {
  const deadline = performance.now() + LIMIT_MS
  while (performance.now() < deadline) {
    const { rows } = await pool.query<{ worker: string }>(LOADING).catch(() => ({ rows: [] }))
    if (rows[0] !== undefined) {
      await delay(laterMs)
      return Number(rows[0].worker)
    }
    await delay(2)
  }
  return undefined
}

const LOADING = `
  select substr(usename, length('worker_') + 1) as worker
  from pg_locks join pg_stat_activity using (pid)
  where relation = 'audit.partition_progress'::regclass and mode = 'RowShareLock' and usename like 'worker\\_%'
  order by xact_start desc limit 1`
