import type { ClientBase, Pool, PoolClient, QueryConfig } from 'pg'
import { PATIENCE } from './patient.ts'

/** The warehouse as it was at one moment: a connection for `on`, `read` and `query`. */
export type Snapshot = ClientBase

/**
 * Runs work on one snapshot of the warehouse: whatever the job commits meanwhile, all statements see the
 * same rows. Nothing is written and no lock is taken that the job would wait for.
 *
 * Hash tables and sorts get room, but none in shared memory, of which a container has 64 MB. What comes
 * through a cursor is wanted to its end, so plans for the first rows are no good.
 */
export async function inSnapshot<T>(pool: Pool, work: (snapshot: Snapshot) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  let unusable = true
  try {
    await client.query(`begin isolation level repeatable read read only;
      set local statement_timeout = 0;
      set local transaction_timeout = 0;
      set local idle_in_transaction_session_timeout = 0;
      set local work_mem = '64MB';
      set local enable_parallel_hash = off;
      set local cursor_tuple_fraction = 1`)
    const result = await work(patient(client))
    await client.query('rollback')
    unusable = false
    return result
  } finally {
    // A statement or a cursor may still be under way after an error: such a connection is closed.
    client.release(unusable)
  }
}

/** The same connection, where no statement is given up. */
function patient(client: PoolClient): Snapshot {
  const query = (statement: string | QueryConfig, values?: unknown[]) =>
    client.query(
      { ...(typeof statement === 'string' ? { text: statement } : statement), ...PATIENCE },
      values,
    )
  return Object.assign(Object.create(client) as PoolClient, { query })
}
