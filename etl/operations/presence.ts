import { messageOf } from '../text/message-of.ts'
import type { Pool } from 'pg'
import { scrub, type Logger } from '../process/log.ts'
import { repeatedly, type Repetition } from '../process/repeat.ts'
import { GONE_AFTER_SECONDS } from '../ledger/runs.ts'

/** What a worker says of itself, for those who ask another one. */
export interface Presence {
  readonly schedule: string
  readonly nextTickAt: Date | undefined
  readonly partitions: readonly number[]
  /** Why it can't work, or undefined. */
  readonly problem: string | undefined
}

const EVERY_MS = 2_000

export interface PresenceKeeper extends Repetition {
  /** Why the warehouse can't be written to, as last tried; undefined where it can. */
  problem(): string | undefined
}

/** Keeps this worker's row in the warehouse, and takes away those that were gone for an hour. */
export function keepPresence(
  pool: Pool,
  name: string,
  presence: () => Presence,
  logger: Logger,
): PresenceKeeper {
  let unwritable: string | undefined
  const repetition = repeatedly('writing down that this worker is there', EVERY_MS, logger, async () => {
    await write().then(
      () => (unwritable = undefined),
      (error: unknown) => {
        unwritable = `the warehouse can't be written to: ${scrub(messageOf(error))}`
        throw error
      },
    )
  })

  async function write(): Promise<void> {
    const { schedule, nextTickAt, partitions, problem } = presence()
    await pool.query(
      `insert into audit.workers as w (name, schedule, next_tick_at, partitions, problem) values ($1, $2, $3, $4, $5)
       on conflict (name) do update set schedule = excluded.schedule, next_tick_at = excluded.next_tick_at,
         partitions = excluded.partitions, problem = excluded.problem, seen_at = now()`,
      [name, schedule, nextTickAt ?? null, partitions, problem ?? null],
    )
    await pool.query(`delete from audit.workers where seen_at < now() - interval '1 hour'`)
  }

  return {
    problem: () => unwritable,
    stop: async () => {
      await repetition.stop()
      await pool.query('delete from audit.workers where name = $1', [name]).catch(() => undefined)
    },
  }
}

export interface WorkerRow {
  readonly name: string
  readonly startedAt: Date
  readonly seenAt: Date
  readonly schedule: string
  readonly nextTickAt: Date | null
  readonly partitions: readonly number[]
  readonly problem: string | null
}

/** The workers that are there, by name. */
export async function readWorkers(pool: Pool): Promise<WorkerRow[]> {
  const { rows } = await pool.query<WorkerRow>(
    `select name, started_at as "startedAt", seen_at as "seenAt", schedule, next_tick_at as "nextTickAt", partitions, problem
     from audit.workers where seen_at > now() - make_interval(secs => $1) order by name`,
    [GONE_AFTER_SECONDS],
  )
  return rows
}
