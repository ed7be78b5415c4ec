import type { ClientBase, Pool, PoolClient, QueryConfig } from 'pg'
import { GONE_AFTER_SECONDS } from '../ledger/runs.ts'
import { topicsOf } from '../ledger/watermark.ts'
import { eq, getTableColumns, sql } from '../postgres/drizzle.ts'
import { on } from '../postgres/query.ts'
import { partitionProgress, partitionStarts } from '../schema/audit.ts'
import type { Stream } from '../stream/compile.ts'

/** The warehouse as it was at one moment: a connection for `on`, `read` and `query`. */
export type Snapshot = ClientBase

/** A statement takes as long as the facts are many, so the pool's own limit is not for it. */
const PATIENCE = { query_timeout: 86_400_000 }

/**
 * Runs work on one snapshot of the warehouse: whatever the job commits meanwhile, all statements see the
 * same rows. Nothing is written and no lock is taken that the job would wait for.
 *
 * Hash tables and sorts get room, but none in shared memory, of which a container has 64 MB. What comes
 * through a cursor is wanted to its end, so plans for the first rows are no good.
 */
export async function inSnapshot<T>(pool: Pool, work: (snapshot: Snapshot) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  let unusable = true
  try {
    await client.query(`begin isolation level repeatable read read only;
      set local statement_timeout = 0;
      set local transaction_timeout = 0;
      set local idle_in_transaction_session_timeout = 0;
      set local work_mem = '64MB';
      set local enable_parallel_hash = off;
      set local cursor_tuple_fraction = 1`)
    const result = await work(patient(client))
    await client.query('rollback')
    unusable = false
    return result
  } finally {
    // A statement or a cursor may still be under way after an error: such a connection is closed.
    client.release(unusable)
  }
}

/** The same connection, where no statement is given up. */
function patient(client: PoolClient): Snapshot {
  const query = (statement: string | QueryConfig, values?: unknown[]) =>
    client.query(
      { ...(typeof statement === 'string' ? { text: statement } : statement), ...PATIENCE },
      values,
    )
  return Object.assign(Object.create(client) as PoolClient, { query })
}

/**
 * The condition that a row of audit is of a stream's topics, present or past. Rows of a topic that is no stream's are
 * lost property: every stream's proof tells of them.
 */
export const ofStream = (stream: string): string =>
  `topic not in (select topic from audit.partition_progress where stream <> '${stream}')`

/**
 * The snapshot's time by the warehouse's clock, and in it the watermarks of a stream's topics, where these were begun by declaration, and
 * how many workers run it.
 */
export async function readWatermarks(snapshot: Snapshot, { name }: Pick<Stream, 'name'>) {
  const { topic, partition, stream } = partitionProgress
  const progress = await on(snapshot)
    .select()
    .from(partitionProgress)
    .where(eq(stream, name))
    .orderBy(topic, partition)
  const { rows } = await snapshot.query<{ at: Date; workers: number }>(
    `select now() as at, (select count(*) from audit.workers
       where stream = $1 and seen_at > now() - make_interval(secs => $2)) as workers`,
    [name, GONE_AFTER_SECONDS],
  )
  const starts = await on(snapshot)
    .select(getTableColumns(partitionStarts))
    .from(partitionStarts)
    .where(sql`${partitionStarts.topic} = any(${topicsOf(name)})`)
    .orderBy(partitionStarts.topic, partitionStarts.partition)
  const { at, workers } = rows[0]!
  return { at, progress, workers, starts }
}
export type Watermarks = Awaited<ReturnType<typeof readWatermarks>>
