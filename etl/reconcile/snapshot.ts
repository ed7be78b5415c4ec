import type { Pool, PoolClient } from 'pg'
import type { Progress } from '../ledger/watermark.ts'

/** The warehouse as it was at one moment. Statements are a text and its values. */
export type Snapshot = Pick<PoolClient, 'query'>

/** A statement takes as long as the facts are many, so the pool's own limit is not for it. */
const PATIENCE_MS = 86_400_000

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
    const query = (text: string, values?: unknown[]) =>
      client.query({ text, query_timeout: PATIENCE_MS, ...(values === undefined ? {} : { values }) } as {
        text: string
      })
    const result = await work({ query: query as PoolClient['query'] })
    await client.query('rollback')
    unusable = false
    return result
  } finally {
    // A statement or a cursor may still be under way after an error: such a connection is closed.
    client.release(unusable)
  }
}

/** The snapshot's time by the warehouse's clock, and the watermarks of all topics in it. */
export interface Watermarks {
  readonly at: Date
  readonly progress: readonly Progress[]
}

export async function readWatermarks(snapshot: Snapshot): Promise<Watermarks> {
  const { rows: progress } = await snapshot.query<Progress>(
    `select topic, partition, incarnation, first_offset as "firstOffset", next_offset as "nextOffset",
            cluster_id as "clusterId", log_start as "logStart", last_offset as "lastOffset", last_hash as "lastHash",
            stop_code as "stopCode", stop_reason as "stopReason", accepted_until as "acceptedUntil"
     from audit.partition_progress order by topic, partition`,
  )
  const { rows } = await snapshot.query<{ at: Date }>('select now() as at')
  return { at: rows[0]!.at, progress }
}
