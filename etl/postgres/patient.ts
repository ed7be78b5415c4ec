import type { Pool, QueryResultRow } from 'pg'

/** A statement over a whole table takes as long as it is large: the pool's own limit is not for it. */
export const PATIENCE = { query_timeout: 86_400_000 }

/** Reads something that may take long, and holds nobody up: it changes nothing and locks no row. */
export async function readPatiently<Row extends QueryResultRow>(
  pool: Pool,
  text: string,
  values: unknown[],
): Promise<Row[]> {
  const client = await pool.connect()
  let unusable = true
  try {
    await client.query(`begin read only; set local statement_timeout = 0; set local transaction_timeout = 0`)
    const { rows } = await client.query<Row>({ text, values, ...PATIENCE })
    await client.query('rollback')
    unusable = false
    return rows
  } finally {
    // A statement may still be under way after an error: such a connection is closed.
    client.release(unusable)
  }
}
