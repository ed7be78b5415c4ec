import type { Pool, PoolClient } from 'pg'
import { remedyFor } from './errors.ts'
import { TIMEOUTS } from './pool.ts'

/** The same in every transaction, whichever pool it is of: all hold the same locks. */
const BEGIN = {
  text: `begin isolation level read committed;
    set local lock_timeout = ${TIMEOUTS.lock};
    set local statement_timeout = ${TIMEOUTS.statement};
    set local transaction_timeout = ${TIMEOUTS.transaction};
    set local idle_in_transaction_session_timeout = ${TIMEOUTS.idleInTransaction}`,
  query_timeout: TIMEOUTS.begin,
}

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
