import type { Pool, PoolClient } from 'pg'
import { remedyFor } from './errors.ts'

/**
 * Why the timeouts have this order: a lock that a dead rival holds is given up (5 s) long before the
 * statement (60 s), that before the transaction (120 s); a client that hangs inside its transaction loses
 * it after 15 s, so that a successor is not kept from the partition's row.
 */
const BEGIN = `begin isolation level read committed;
  set local lock_timeout = '5s';
  set local statement_timeout = '60s';
  set local transaction_timeout = '120s';
  set local idle_in_transaction_session_timeout = '15s'`

/** What the work decided: keep its changes or not. Either way the value is returned. */
export interface Verdict<T> {
  readonly commit: boolean
  readonly value: T
}

export const commit = <T>(value: T): Verdict<T> => ({ commit: true, value })
export const rollback = <T>(value: T): Verdict<T> => ({ commit: false, value })

/**
 * Runs work in one transaction. An exception rolls it back; a connection of unknown state is closed, not
 * given to the next one. An error on COMMIT leaves open whether it happened: the caller finds out from the
 * watermark.
 */
export async function inTransaction<T>(
  pool: Pool,
  work: (client: PoolClient) => Promise<Verdict<T>>,
): Promise<T> {
  const client = await pool.connect()
  let unusable = false
  try {
    await client.query(BEGIN)
    const verdict = await work(client)
    await client.query(verdict.commit ? 'commit' : 'rollback')
    return verdict.value
  } catch (error) {
    // Also a connection to a server that is now a standby, or with plans of an older schema.
    unusable = !answered(error) || remedyFor(error) === 'reconnect'
    if (!unusable) await client.query('rollback').catch(() => (unusable = true))
    throw error
  } finally {
    client.release(unusable)
  }
}

/** Whether the server itself reported the error: five characters of SQLSTATE, and a severity. */
function answered(error: unknown): boolean {
  return error instanceof Error && 'severity' in error
}
