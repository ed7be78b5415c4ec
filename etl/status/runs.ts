import type { Pool } from 'pg'
import type { RunKind } from '../ledger/runs.ts'

/** As the schema has them; importing it would cost each command half a second. A test compares them. */
export const RUN_STATUSES = ['running', 'succeeded', 'failed', 'abandoned'] as const
export const RUN_KINDS = ['tick', 'manual', 'replay', 'housekeeping'] as const satisfies readonly RunKind[]
export type RunStatus = (typeof RUN_STATUSES)[number]

/** A row of audit.pipeline_runs. Totals of a run that goes on are those of its batches so far. */
export interface Run {
  readonly id: number
  readonly kind: RunKind
  readonly worker: string
  readonly status: RunStatus
  readonly startedAt: Date
  readonly finishedAt: Date | null
  /** Null while it goes on. */
  readonly durationMs: number | null
  readonly batches: number
  readonly consumed: number
  readonly loaded: number
  readonly duplicate: number
  readonly deadLettered: number
  readonly retries: number
  readonly error: string | null
}

const RUN = `r.id, r.kind, r.worker, r.status, r.started_at as "startedAt", r.finished_at as "finishedAt",
  (extract(epoch from r.finished_at - r.started_at) * 1000)::float8 as "durationMs",
  case when r.finished_at is null then b.batches else r.batches end as batches,
  case when r.finished_at is null then b.consumed else r.consumed end as consumed,
  case when r.finished_at is null then b.loaded else r.loaded end as loaded,
  case when r.finished_at is null then b.duplicate else r.duplicate end as duplicate,
  case when r.finished_at is null then b.dead_lettered else r.dead_lettered end as "deadLettered",
  r.retries, r.error`

const BATCHES_SO_FAR = `left join lateral (
    select count(*) as batches, coalesce(sum(consumed), 0)::bigint as consumed, coalesce(sum(loaded), 0)::bigint as loaded,
           coalesce(sum(duplicate), 0)::bigint as duplicate, coalesce(sum(dead_lettered), 0)::bigint as dead_lettered
    from audit.pipeline_batches where run_id = r.id and r.finished_at is null
  ) b on true`

export interface RunQuery {
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
export async function readRuns(pool: Pool, query: RunQuery): Promise<Run[]> {
  // A limit first, totals of what goes on after it: only what is shown is counted.
  const { rows } = await pool.query<Run>(
    `select ${RUN} from (
       select * from audit.pipeline_runs
       where ($2::text is null or status = $2) and ($3::text[] is null or kind = any($3))
         and ($4::text is null or worker = $4) and ($5::timestamptz is null or started_at >= $5)
         and ($6::int8 is null or (started_at, id) < (select started_at, id from audit.pipeline_runs where id = $6))
       order by started_at desc, id desc limit $1
     ) r ${BATCHES_SO_FAR}
     order by r.started_at desc, r.id desc`,
    [
      query.limit,
      query.status ?? null,
      query.kinds ?? null,
      query.worker ?? null,
      query.since ?? null,
      query.before ?? null,
    ],
  )
  return rows
}

export async function readRun(pool: Pool, id: number): Promise<Run | undefined> {
  const { rows } = await pool.query<Run>(
    `select ${RUN} from audit.pipeline_runs r ${BATCHES_SO_FAR} where r.id = $1`,
    [id],
  )
  return rows[0]
}

/** A batch of a run, with the time that each stage took. */
export interface Batch {
  readonly batchId: string
  readonly partition: number
  readonly from: number
  /** One past the last. */
  readonly to: number
  readonly consumed: number
  readonly loaded: number
  readonly duplicate: number
  readonly deadLettered: number
  readonly bytes: number
  readonly extractMs: number
  readonly validateMs: number
  readonly transformMs: number
  readonly loadMs: number
  /** The end of its load; its stages came one after the other before it. */
  readonly loadedAt: Date
}

/** The batches of a run in the order in which they were loaded. */
export async function readBatches(
  pool: Pool,
  runId: number,
  { limit, offset }: { readonly limit: number; readonly offset: number },
): Promise<Batch[]> {
  const { rows } = await pool.query<Batch>(
    `select batch_id as "batchId", partition, from_offset as "from", to_offset as "to", consumed, loaded, duplicate,
            dead_lettered as "deadLettered", bytes, extract_ms as "extractMs", validate_ms as "validateMs",
            transform_ms as "transformMs", load_ms as "loadMs", loaded_at as "loadedAt"
     from audit.pipeline_batches where run_id = $1 order by loaded_at, batch_id limit $2 offset $3`,
    [runId, limit, offset],
  )
  return rows
}
