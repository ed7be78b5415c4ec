import { DatabaseError, type ClientBase, type QueryResultRow } from 'pg'

/** How long one statement may run, and wait for a lock. */
export interface Limits {
  statementTimeoutMs: number
  lockTimeoutMs: number
}

/** What a statement that was allowed to fail gave: its rows, or why it failed. */
export type Probe<R> = { ok: true; rows: R[] } | { ok: false; sqlState: string; reason: string }

export const SQLSTATE = {
  queryCanceled: '57014',
} as const

const OPEN = 'SAVEPOINT schema_validator_probe'
const CLOSE = 'ROLLBACK TO SAVEPOINT schema_validator_probe; RELEASE SAVEPOINT schema_validator_probe'

/**
 * Runs one statement inside the open transaction so that it leaves nothing behind: whether it worked
 * or failed, the transaction goes on as it was, and its settings and its locks are gone. A table is
 * therefore held only while it is looked at, not until the end of the validation.
 *
 * @throws what is not an answer of the server, such as a lost connection.
 */
export async function probe<R extends QueryResultRow>(
  client: ClientBase,
  limits: Limits,
  sql: string,
): Promise<Probe<R>> {
  await open(client, limits)
  try {
    const result = await client.query<R>(sql)
    return { ok: true, rows: result.rows }
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error
    const sqlState = error.code ?? 'unknown'
    return { ok: false, sqlState, reason: `${error.message} (SQLSTATE ${sqlState})` }
  } finally {
    await client.query(CLOSE)
  }
}

/**
 * Runs catalogue queries. With this search_path every type name comes out in full and no function of
 * the user's can stand in for one of the catalogue's.
 */
export async function readingCatalogue<T>(
  client: ClientBase,
  limits: Limits,
  read: () => Promise<T>,
): Promise<T> {
  await open(client, limits)
  try {
    await client.query('SET LOCAL search_path = pg_catalog')
    return await read()
  } catch (cause) {
    throw new Error(`The catalogue could not be read: ${(cause as Error).message}`, { cause })
  } finally {
    await client.query(CLOSE)
  }
}

async function open(client: ClientBase, { statementTimeoutMs, lockTimeoutMs }: Limits): Promise<void> {
  await client.query(
    `${OPEN};
     SET LOCAL transaction_read_only = on;
     SET LOCAL statement_timeout = ${Math.trunc(statementTimeoutMs)};
     SET LOCAL lock_timeout = ${Math.trunc(lockTimeoutMs)}`,
  )
}
