import { messageOf } from '../text/message-of.ts'
import type { Pool } from 'pg'
import { eq, sql } from '../postgres/drizzle.ts'
import { on } from '../postgres/query.ts'
import { workers } from '../schema/operations.ts'
import { scrub, type Logger } from '../process/log.ts'
import { repeatedly, type Repetition } from '../process/repeat.ts'
import { GONE_AFTER_SECONDS } from '../ledger/runs.ts'

/** What a worker says of itself, for those who ask another one. */
export interface Presence {
  readonly schedule: string
  readonly nextTickAt: Date | undefined
  readonly partitions: readonly number[]
  /** Hashes of the contracts that it holds records against, by stream. */
  readonly contracts: Readonly<Record<string, string>>
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
    const { schedule, nextTickAt = null, partitions, contracts, problem = null } = presence()
    const row = { schedule, nextTickAt, partitions: [...partitions], contracts, problem }
    await on(pool)
      .insert(workers)
      .values({ name, ...row })
      .onConflictDoUpdate({ target: workers.name, set: { ...row, seenAt: sql`now()` } })
    await on(pool)
      .delete(workers)
      .where(sql`${workers.seenAt} < now() - interval '1 hour'`)
  }

  return {
    problem: () => unwritable,
    stop: async () => {
      await repetition.stop()
      await on(pool)
        .delete(workers)
        .where(eq(workers.name, name))
        .catch(() => undefined)
    },
  }
}

export type WorkerRow = Readonly<typeof workers.$inferSelect>

/** The workers that are there, by name. */
export function readWorkers(pool: Pool): Promise<WorkerRow[]> {
  return on(pool)
    .select()
    .from(workers)
    .where(sql`${workers.seenAt} > now() - make_interval(secs => ${GONE_AFTER_SECONDS})`)
    .orderBy(workers.name)
}
