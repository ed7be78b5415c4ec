import type { ClientBase, Pool } from 'pg'

/**
 * Which warehouse this is, in one line for other systems: Postgres' system identifier, made up when the
 * server's data directory was, and the database's name.
 *
 * A restore into the same place, a failover to a standby and a restart keep both; another database beside it
 * and a dump loaded into another server differ. Not by oid, which a restore changes. A copy of the whole data
 * directory can't be told from the original: a standby is one.
 */
export async function readOwner(pool: Pool | ClientBase): Promise<string> {
  const { rows } = await pool.query<{ owner: string }>(
    `select 'warehouse ' || system_identifier || '/' || current_database() as owner from pg_control_system()`,
  )
  return rows[0]!.owner
}
