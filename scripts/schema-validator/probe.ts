import { DatabaseError, type ClientBase, type QueryResultRow } from 'pg'
import type { Catalogue, ForeignKey, Parts, Relation, Table } from './catalogue.ts'
import { countOrphans, countRows, estimateRows, openView, prepareInsert, type Extent } from './probe-sql.ts'
import type { RowCount } from './report.ts'

/** What the tables themselves answered. */
export interface Probes {
  tables: { table: Table; rows: Answer<RowCount>; insert: Answer<null> }[]
  views: { view: Relation; open: Answer<null> }[]
  foreignKeys: { child: Parts; key: ForeignKey; orphans: Answer<Orphans> | NotChecked }[]
}

/** What a statement that was allowed to fail gave, or why it failed. */
export type Answer<T> = { ok: true; value: T } | { ok: false; sqlState: string; reason: string }

/** A check that would give a wrong answer, and why. */
interface NotChecked {
  ok: null
  reason: string
}

interface Orphans {
  /** Rows that refer to a parent and were looked at. */
  checked: number
  orphans: number
  /** True where that was a sample of the table. */
  estimated: boolean
}

export async function probeTables(
  client: ClientBase,
  { tables, views }: Catalogue,
  limits: Limits,
  exactCountLimit: number,
): Promise<Probes> {
  const run = <R extends QueryResultRow>(sql: string): Promise<Answer<R[]>> => probe<R>(client, limits, sql)
  const probes: Probes = { tables: [], views: [], foreignKeys: [] }
  for (const table of tables) {
    const rows = await probeRows(run, table.relation, exactCountLimit)
    const insert = answer(await run(prepareInsert(table.relation, table.columns)), () => null)
    probes.tables.push({ table, rows, insert })
    for (const { child, key } of foreignKeysOf(table)) {
      const extent = extentOf(rows, exactCountLimit)
      probes.foreignKeys.push({ child, key, orphans: await probeOrphans(run, child.relation, key, extent) })
    }
  }
  for (const view of views.filter(({ populated }) => populated)) {
    probes.views.push({ view, open: answer(await run(openView(view)), () => null) })
  }
  return probes
}

type Run = <R extends QueryResultRow>(sql: string) => Promise<Answer<R[]>>

/** Counts up to the limit; above it, or when counting takes too long, the planner estimates. */
async function probeRows(run: Run, relation: Relation, limit: number): Promise<Answer<RowCount>> {
  const counted = await run<{ rows: number }>(countRows(relation, limit + 1))
  if (!counted.ok && counted.sqlState !== QUERY_CANCELED) return counted
  const counting = counted.ok ? counted.value[0]!.rows : null
  if (counting !== null && counting <= limit) return { ok: true, value: { rows: counting, estimated: false } }
  if (!counted.ok) {
    const readable = await run(countRows(relation, 1))
    if (!readable.ok) return readable
  }
  const planned = await run<{ 'QUERY PLAN': [{ Plan: { 'Plan Rows': number } }] }>(estimateRows(relation))
  return answer(planned, ([plan]) => ({
    rows: Math.max(plan!['QUERY PLAN'][0].Plan['Plan Rows'], counting ?? 0),
    estimated: true,
  }))
}

/** A table's keys and those that only one of its partitions has. */
function foreignKeysOf(table: Table): { child: Parts; key: ForeignKey }[] {
  return [table, ...table.partitions].flatMap((child) =>
    child.foreignKeys.filter(({ inherited }) => !inherited).map((key) => ({ child, key })),
  )
}

/** A sample is drawn twice as large as needed: pages are chosen at random and rows are not even. */
function extentOf(rows: Answer<RowCount>, limit: number): Extent {
  if (!rows.ok || !rows.value.estimated) return 'all'
  return { limit, percent: Math.min(100, (200 * limit) / Math.max(1, rows.value.rows)) }
}

async function probeOrphans(
  run: Run,
  child: Relation,
  key: ForeignKey,
  extent: Extent,
): Promise<Answer<Orphans> | NotChecked> {
  if (key.temporal) return { ok: null, reason: 'it compares periods, which this check cannot' }
  if (child.rowsHidden || key.parentRowsHidden) {
    return { ok: null, reason: 'row security hides rows from this role' }
  }
  const counted = await run<{ checked: number; orphans: number }>(countOrphans(child, key, extent))
  return answer(counted, ([counts]) => ({ ...counts!, estimated: extent !== 'all' }))
}

function answer<R, T>(result: Answer<R[]>, value: (rows: R[]) => T): Answer<T> {
  return result.ok ? { ok: true, value: value(result.value) } : result
}

/** How long one statement may run, and wait for a lock. */
export interface Limits {
  statementTimeoutMs: number
  lockTimeoutMs: number
}

export const QUERY_CANCELED = '57014'

const OPEN = 'SAVEPOINT schema_validator_probe'
const CLOSE = 'ROLLBACK TO SAVEPOINT schema_validator_probe; RELEASE SAVEPOINT schema_validator_probe'

/**
 * Runs one statement inside the open transaction so that it leaves nothing behind: whether it worked
 * or failed, the transaction goes on as it was, and its settings and its locks are gone. A table is
 * therefore held only while it is looked at, not until the end of the validation.
 *
 * @throws what is not an answer of the server, such as a lost connection.
 */
async function probe<R extends QueryResultRow>(
  client: ClientBase,
  limits: Limits,
  sql: string,
): Promise<Answer<R[]>> {
  await open(client, limits)
  try {
    return { ok: true, value: (await client.query<R>(sql)).rows }
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error
    const sqlState = error.code ?? 'unknown'
    return { ok: false, sqlState, reason: `${error.message} (SQLSTATE ${sqlState})` }
  } finally {
    await client.query(CLOSE)
  }
}

/**
 * Runs catalogue queries. With this search_path every type name comes out in full and no function of
 * the user's can stand in for one of the catalogue's.
 */
export async function readingCatalogue<T>(
  client: ClientBase,
  limits: Limits,
  read: () => Promise<T>,
): Promise<T> {
  await open(client, limits)
  try {
    await client.query('SET LOCAL search_path = pg_catalog')
    return await read()
  } catch (cause) {
    throw new Error(`The catalogue could not be read: ${(cause as Error).message}`, { cause })
  } finally {
    await client.query(CLOSE)
  }
}

async function open(client: ClientBase, { statementTimeoutMs, lockTimeoutMs }: Limits): Promise<void> {
  await client.query(
    `${OPEN};
     SET LOCAL transaction_read_only = on;
     SET LOCAL statement_timeout = ${Math.trunc(statementTimeoutMs)};
     SET LOCAL lock_timeout = ${Math.trunc(lockTimeoutMs)}`,
  )
}
