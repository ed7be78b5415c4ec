import type { Pool } from 'pg'
import { stream } from './stream.ts'

/**
 * From now on Postgres takes so long over a load's facts, watermark locked and nothing committed, that a
 * fault finds it there. A trigger in the test's own database: the job itself has no hooks.
 */
export async function slowLoads(pool: Pool, seconds: number): Promise<void> {
  await pool.query(sleeping(seconds))
  await pool.query(
    `create trigger slow before insert on warehouse.${stream.name} for each statement execute function audit.slow()`,
  )
}

/** As fast as ever. Takes no lock on a table, so that it works while a load sleeps. */
export async function fastLoads(pool: Pool): Promise<void> {
  await pool.query(sleeping(0))
}

function sleeping(seconds: number): string {
  return `create or replace function audit.slow() returns trigger language plpgsql as
            $$ begin perform pg_sleep(${seconds}); return null; end $$`
}
