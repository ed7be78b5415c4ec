import type { SQL } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'
import type { Pool } from 'pg'
import type { RunKind } from '../ledger/runs.ts'
import { alias, and, asc, countRows, desc, eq, gte, inArray, isNull, sql } from '../postgres/drizzle.ts'
import { columnsOf, on, type Row } from '../postgres/query.ts'
import { pipelineBatches, pipelineRuns, type RUN_STATUSES } from '../schema/audit.ts'

export type RunStatus = (typeof RUN_STATUSES)[number]

/** Totals of a run that goes on are those of its batches so far; it has no duration yet. */
export type Run = Readonly<typeof pipelineRuns.$inferSelect & { durationMs: number | null }>

export interface RunQuery {
  /** All streams' without it. */
  readonly stream?: string | undefined
  readonly limit: number
  readonly status?: RunStatus | undefined
  /** Any of them. */
  readonly kinds?: readonly RunKind[] | undefined
  readonly worker?: string | undefined
  /** Those that began then or later. */
  readonly since?: Date | undefined
  /** Pages on from a run's id. */
  readonly before?: number | undefined
}

/** Newest first. */
export function readRuns(pool: Pool, query: RunQuery): Promise<Run[]> {
  const { id, kind, startedAt, status, worker } = pipelineRuns
  const cursor = alias(pipelineRuns, 'cursor')
  const before =
    query.before === undefined
      ? undefined
      : on(pool)
          .select({ startedAt: cursor.startedAt, id: cursor.id })
          .from(cursor)
          .where(eq(cursor.id, query.before))
  return readNewest(
    pool,
    and(
      query.stream === undefined ? undefined : eq(pipelineRuns.stream, query.stream),
      query.status && eq(status, query.status),
      query.kinds && inArray(kind, query.kinds),
      query.worker === undefined ? undefined : eq(worker, query.worker),
      query.since && gte(startedAt, query.since),
      before && sql`(${startedAt}, ${id}) < ${before}`,
    ),
    query.limit,
  )
}

export async function readRun(pool: Pool, id: number): Promise<Run | undefined> {
  const [run] = await readNewest(pool, eq(pipelineRuns.id, id), 1)
  return run
}

async function readNewest(pool: Pool, where: SQL | undefined, limit: number): Promise<Run[]> {
  // A limit first, totals of what goes on after it: only what is shown is counted.
  const runs = on(pool)
    .select()
    .from(pipelineRuns)
    .where(where)
    .orderBy(desc(pipelineRuns.startedAt), desc(pipelineRuns.id))
    .limit(limit)
    .as('runs')
  // Names of their own: drizzle writes an expression's alias without the sub-select that it is of.
  const soFar = on(pool)
    .select({
      batches: countRows().as('batches_so_far'),
      consumed: total(pipelineBatches.consumed).as('consumed_so_far'),
      loaded: total(pipelineBatches.loaded).as('loaded_so_far'),
      duplicate: total(pipelineBatches.duplicate).as('duplicate_so_far'),
      skipped: total(pipelineBatches.skipped).as('skipped_so_far'),
      deadLettered: total(pipelineBatches.deadLettered).as('dead_lettered_so_far'),
    })
    .from(pipelineBatches)
    .where(and(eq(pipelineBatches.runId, runs.id), isNull(runs.finishedAt)))
    .as('so_far')
  const figure = (name: 'batches' | 'consumed' | 'loaded' | 'duplicate' | 'skipped' | 'deadLettered') =>
    sql<number>`case when ${runs.finishedAt} is null then ${soFar[name]} else ${runs[name]} end`
  return on(pool)
    .select({
      ...columnsOf(runs, 'id', 'kind', 'stream', 'worker', 'status', 'startedAt', 'finishedAt'),
      durationMs: sql<
        number | null
      >`(extract(epoch from ${runs.finishedAt} - ${runs.startedAt}) * 1000)::float8`,
      batches: figure('batches'),
      consumed: figure('consumed'),
      loaded: figure('loaded'),
      duplicate: figure('duplicate'),
      skipped: figure('skipped'),
      deadLettered: figure('deadLettered'),
      ...columnsOf(runs, 'retries', 'error'),
    })
    .from(runs)
    .leftJoinLateral(soFar, sql`true`)
    .orderBy(desc(runs.startedAt), desc(runs.id))
}

const total = (column: PgColumn) => sql<number>`coalesce(sum(${column}), 0)::bigint`

const b = pipelineBatches
const BATCH = {
  ...columnsOf(b, 'batchId', 'partition'),
  from: b.fromOffset,
  to: b.toOffset,
  ...columnsOf(b, 'consumed', 'loaded', 'duplicate', 'skipped', 'deadLettered', 'bytes'),
  ...columnsOf(b, 'extractMs', 'validateMs', 'transformMs', 'loadMs'),
  /** The end of its load; its stages came one after the other before it. */
  loadedAt: b.loadedAt,
}
/** A batch of a run, with the time that each stage took. */
export type Batch = Row<typeof BATCH>

/** The batches of a run in the order in which they were loaded. */
export function readBatches(
  pool: Pool,
  runId: number,
  { limit, offset }: { readonly limit: number; readonly offset: number },
): Promise<Batch[]> {
  return on(pool)
    .select(BATCH)
    .from(b)
    .where(eq(b.runId, runId))
    .orderBy(asc(b.loadedAt), asc(b.batchId))
    .limit(limit)
    .offset(offset)
}
