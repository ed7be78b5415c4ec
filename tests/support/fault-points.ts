import type { Pool } from 'pg'
import { waitFor } from './wait-for.ts'

/**
 * Named points of a load at which a test wants to strike. A trigger in the test's own database makes the
 * job wait there, so that the moment is met every time and not by luck; the job itself has no hooks.
 */
const POINTS = {
  /** Inside the transaction: watermark locked, facts and dead letters written, nothing committed. */
  'before the commit': {
    name: 'strike_before_commit',
    trigger: 'trigger strike_before_commit before insert on audit.pipeline_batches for each statement',
  },
  /** COMMIT was sent; Postgres will finish it, and nobody may be there to read the answer. */
  'in the commit': {
    name: 'strike_in_commit',
    trigger: `constraint trigger strike_in_commit after insert on audit.pipeline_batches
              deferrable initially deferred for each row`,
  },
  /** Dead letters are on their topic, and not yet marked as published. */
  'between publishing and marking': {
    name: 'strike_before_mark',
    trigger:
      'trigger strike_before_mark before update of published_at on audit.dead_letters for each statement',
  },
} as const

export type Point = keyof typeof POINTS

/** From now on the job waits so long whenever it comes to this point. Once for each point and database. */
export async function holdAt(pool: Pool, point: Point, seconds = 1): Promise<void> {
  const { name, trigger } = POINTS[point]
  await pool.query(waiting(name, seconds))
  await pool.query(`create ${trigger} execute function audit.${name}()`)
}

/** No more waiting there. Takes no lock on a table, so that it works while a session is held. */
export async function letGo(pool: Pool, point: Point): Promise<void> {
  await pool.query(waiting(POINTS[point].name, 0))
}

function waiting(name: string, seconds: number): string {
  return `create or replace function audit.${name}() returns trigger language plpgsql as
            $$ begin perform pg_sleep(${seconds}); return new; end $$`
}

/** Resolves when a session of the job waits at a point. */
export async function isHeld(pool: Pool): Promise<void> {
  await waitFor(
    'the job to come to the point',
    async () => {
      const { rows } = await pool.query(
        `select from pg_stat_activity where datname = current_database()
           and application_name like 'global-sales-pulse%' and wait_event = 'PgSleep'`,
      )
      return rows.length > 0
    },
    { everyMs: 10, limitMs: 20_000 },
  )
}
