import pRetry from 'p-retry'
import type { Pool } from 'pg'
import { remedyFor } from '../postgres/errors.ts'
import { commit, inTransaction } from '../postgres/transaction.ts'
import type { Stream } from '../stream/compile.ts'
import { unlessAborted } from '../process/aborted.ts'

/** Partitions of the facts by month or day, in UTC. */

/** How the name of a partition ends, as a pattern and for to_char. */
const ENDS = {
  month: { pattern: '_\\d{4}_\\d{2}$', format: 'YYYY_MM', length: 7 },
  day: { pattern: '_\\d{4}_\\d{2}_\\d{2}$', format: 'YYYY_MM_DD', length: 10 },
}

/**
 * Of this month, the next and the one after, or of so many days: the first days of those that have no partition yet.
 * None of a stream that has no partitions.
 */
export function monthsAheadMissing({ name, definition }: Pick<Stream, 'name' | 'definition'>): string {
  const { partitionBy = 'month' } = definition
  return `
  select month from generate_series(0, 2) ahead,
    lateral (select date_trunc('${partitionBy}', now() at time zone 'UTC') + make_interval(${partitionBy}s => ahead) as month) months
  where to_regclass('warehouse.${name}_' || to_char(month, '${ENDS[partitionBy].format}')) is null
    and ${definition.partitionBy !== undefined}`
}

/** @returns how many were made. Each in a transaction of its own, as a load's are. */
export async function makeMonthsAhead(pool: Pool, stream: Stream): Promise<number> {
  const { rows } = await pool.query<{ month: string }>(
    `select to_char(month, 'YYYY-MM-DD') || ' 00:00:00+00' as month from (${monthsAheadMissing(stream)}) missing order by 1`,
  )
  let made = 0
  for (const { month } of rows) {
    const answer = await pool.query<{ made: boolean }>('select audit.ensure_partition($1, $2) as made', [
      stream.name,
      month,
    ])
    if (answer.rows[0]!.made) made += 1
  }
  return made
}

/** First days, such as 2024-02-01, of the partitions that ended more than so many days ago; oldest first. */
export async function monthsOlderThan(
  pool: Pool,
  { name, definition }: Stream,
  days: number,
): Promise<string[]> {
  const { partitionBy = 'month' } = definition
  const { pattern, format, length } = ENDS[partitionBy]
  const { rows } = await pool.query<{ month: string }>(
    `select to_char(month, 'YYYY-MM-DD') as month
     from pg_inherits join pg_class on pg_class.oid = inhrelid,
       lateral (select to_date(right(relname, ${length}), '${format}') as month) named
     where inhparent = 'warehouse.${name}'::regclass and relname ~ '${pattern}'
       and month < date_trunc('${partitionBy}', (now() at time zone 'UTC') - make_interval(days => $1))
     order by month`,
    [days],
  )
  return rows.map(({ month }) => month)
}

/** Counting a month's facts takes as long as they are many; nobody waits for it. */
const PATIENCE_MS = 1_800_000
/** A lock that was not to be had may be free a moment later: a dashboard's query has ended. */
const RETRIES = 4

/**
 * Drops a month: facts, rollup, partition, noted in the ledger. The function says why that harms no load.
 *
 * @param signal ends the wait at once; Postgres rolls back what is under way when it finds the connection
 *   closed.
 * @returns how many facts it had.
 * @throws where a lock was not to be had in several tries: another time.
 */
export async function dropMonth(
  pool: Pool,
  stream: Stream,
  month: string,
  signal: AbortSignal,
): Promise<number> {
  return pRetry(() => tryToDrop(pool, stream, month, signal), {
    retries: RETRIES,
    minTimeout: 200,
    maxTimeout: 2_000,
    randomize: true,
    signal,
    shouldRetry: ({ error }) => remedyFor(error) === 'retry',
  })
}

async function tryToDrop(pool: Pool, { name }: Stream, month: string, signal: AbortSignal): Promise<number> {
  signal.throwIfAborted()
  return inTransaction(pool, async (client) => {
    await client.query(
      `set local statement_timeout = ${PATIENCE_MS}; set local transaction_timeout = ${2 * PATIENCE_MS}`,
    )
    const dropping = client.query<{ facts: number }>({
      text: 'select audit.drop_partition($1, $2) as facts',
      values: [name, month],
      query_timeout: 2 * PATIENCE_MS,
    } as { text: string; values: unknown[] })
    const { rows } = await unlessAborted(dropping, signal)
    return commit(rows[0]!.facts)
  })
}
