import type { Pool } from 'pg'
import { lt, sql } from '../postgres/drizzle.ts'
import { on, read } from '../postgres/query.ts'
import { commit, inTransaction } from '../postgres/transaction.ts'
import { partitionProgress } from '../schema/audit.ts'
import { consoleSessions } from '../schema/operations.ts'

/**
 * Prunes the books by age, in chunks with a transaction each. `goOn` throws where it is to end here; the
 * rest goes another time. Each says how many rows went.
 */

/** Folds old batches of a stream into the opening balances of their partitions. */
export async function foldBatches(
  pool: Pool,
  stream: string,
  days: number,
  goOn: () => void,
): Promise<number> {
  const { topic, partition, incarnation } = partitionProgress
  const all = await read(
    pool,
    { topic, partition, incarnation: sql<number>`i` },
    (columns) => sql`
      select ${columns} from ${partitionProgress}, generate_series(1, ${incarnation}) i
      where ${partitionProgress.stream} = ${stream}
      order by ${topic}, ${partition}, i`,
  )
  let folded = 0
  for (const one of all) {
    const of = [one.topic, one.partition, one.incarnation, days]
    folded += await untilNone(pool, 'audit.fold_batches($1, $2, $3, $4)', of, goOn)
  }
  return folded
}

/** Resolved dead letters whose batches were folded. */
export const pruneDeadLetters = (pool: Pool, days: number, goOn: () => void): Promise<number> =>
  untilNone(pool, 'audit.prune_dead_letters($1)', [days], goOn)

/** Runs that nothing refers to any more. */
export const pruneRuns = (pool: Pool, days: number, goOn: () => void): Promise<number> =>
  untilNone(pool, 'audit.prune_runs($1)', [days], goOn)

/** Alerts that are over, and what was sent of them. What operators did stays for ever. */
export const pruneAlerts = (pool: Pool, days: number, goOn: () => void): Promise<number> =>
  untilNone(pool, 'audit.prune_alerts($1)', [days], goOn)

/** Sessions of the console that nobody has used for a month. */
export async function expireSessions(pool: Pool): Promise<number> {
  const { rowCount } = await on(pool)
    .delete(consoleSessions)
    .where(lt(consoleSessions.seenAt, sql`now() - interval '30 days'`))
  return rowCount ?? 0
}

async function untilNone(
  pool: Pool,
  call: string,
  values: readonly unknown[],
  goOn: () => void,
): Promise<number> {
  let all = 0
  for (;;) {
    goOn()
    const n = await inTransaction(pool, async (client) => {
      const { rows } = await client.query<{ n: number }>(`select ${call} as n`, [...values])
      return commit(rows[0]!.n)
    })
    if (n === 0) return all
    all += n
  }
}
