import { messageOf } from '../text/message-of.ts'
import type { Pool } from 'pg'
import { and, eq, sql } from '../postgres/drizzle.ts'
import { on } from '../postgres/query.ts'
import { workers } from '../schema/operations.ts'
import { scrub, type Logger } from '../process/log.ts'
import { repeatedly, type Repetition } from '../process/repeat.ts'
import { GONE_AFTER_SECONDS } from '../ledger/runs.ts'

/** The problem of a worker whose stream has no topic yet. */
export const NO_TOPIC = 'waits for its topic'

/** What a worker says of a stream that it runs, for those who ask another one. */
export interface Presence {
  readonly stream: string
  readonly schedule: string
  readonly nextTickAt: Date | undefined
  readonly partitions: readonly number[]
  /** Milliseconds for which one record kept the worker from all else, lately. */
  readonly longestStepMs: number
  /** Of the contract that it holds records against. */
  readonly contractHash: string
  /** Why it can't load the stream, or undefined. */
  readonly problem: string | undefined
}

const EVERY_MS = 2_000

const given = (column: string) => sql.raw(`excluded.${column}`)

export interface PresenceKeeper extends Repetition {
  /** Why the warehouse can't be written to, as last tried; undefined where it can. */
  problem(): string | undefined
}

/** Keeps this worker's rows in the warehouse, one for each stream, and takes away those that were gone for an hour. */
export function keepPresence(
  pool: Pool,
  name: string,
  presences: () => readonly Presence[],
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
    const rows = presences().map(({ nextTickAt = null, partitions, problem = null, ...row }) => ({
      ...row,
      name,
      nextTickAt,
      partitions: [...partitions],
      problem,
    }))
    await on(pool)
      .insert(workers)
      .values(rows)
      .onConflictDoUpdate({
        target: [workers.name, workers.stream],
        set: {
          schedule: given('schedule'),
          nextTickAt: given('next_tick_at'),
          partitions: given('partitions'),
          problem: given('problem'),
          longestStepMs: given('longest_step_ms'),
          contractHash: given('contract_hash'),
          seenAt: sql`now()`,
        },
      })
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

/** The workers that are there for a stream, by name. */
export function readWorkers(pool: Pool, stream: string): Promise<WorkerRow[]> {
  return on(pool)
    .select()
    .from(workers)
    .where(
      and(
        eq(workers.stream, stream),
        sql`${workers.seenAt} > now() - make_interval(secs => ${GONE_AFTER_SECONDS})`,
      ),
    )
    .orderBy(workers.name)
}
