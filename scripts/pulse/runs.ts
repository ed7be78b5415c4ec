import { Option, type Command } from 'commander'
import type { Pool } from 'pg'
import { aLimit, JSON_OPTION, withExamples } from './arguments.ts'
import { printRows, type Column } from './output.ts'
import { inSession } from './session.ts'
import { duration } from './wording.ts'

/** As the schema has them; importing it would cost each command half a second. A test compares them. */
export const RUN_STATUSES = ['running', 'succeeded', 'failed', 'abandoned'] as const

/** A row of audit.pipeline_runs. Totals of a run that goes on are those of its batches so far. */
export interface Run {
  readonly id: number
  readonly kind: string
  readonly worker: string
  readonly status: string
  readonly startedAt: Date
  readonly finishedAt: Date | null
  readonly durationMs: number | null
  readonly batches: number
  readonly consumed: number
  readonly loaded: number
  readonly duplicate: number
  readonly deadLettered: number
  readonly retries: number
  readonly error: string | null
}

export async function readRuns(pool: Pool, limit: number, status?: string): Promise<Run[]> {
  const { rows } = await pool.query<Run>(
    `select id, kind, worker, status, started_at as "startedAt", finished_at as "finishedAt",
            (extract(epoch from finished_at - started_at) * 1000)::float8 as "durationMs",
            case when finished_at is null then b.batches else r.batches end as batches,
            case when finished_at is null then b.consumed else r.consumed end as consumed,
            case when finished_at is null then b.loaded else r.loaded end as loaded,
            case when finished_at is null then b.duplicate else r.duplicate end as duplicate,
            case when finished_at is null then b.dead_lettered else r.dead_lettered end as "deadLettered",
            retries, error
     from audit.pipeline_runs r
     left join lateral (
       select count(*) as batches, coalesce(sum(consumed), 0)::bigint as consumed, coalesce(sum(loaded), 0)::bigint as loaded,
              coalesce(sum(duplicate), 0)::bigint as duplicate, coalesce(sum(dead_lettered), 0)::bigint as dead_lettered
       from audit.pipeline_batches where run_id = r.id and r.finished_at is null
     ) b on true
     where $2::text is null or status = $2
     order by started_at desc, id desc limit $1`,
    [limit, status ?? null],
  )
  return rows
}

const COLUMNS: readonly Column<Run>[] = [
  { heading: 'id', of: ({ id }) => String(id) },
  { heading: 'kind', of: ({ kind }) => kind },
  { heading: 'status', of: ({ status }) => status },
  { heading: 'started', of: ({ startedAt }) => startedAt },
  { heading: 'took', of: ({ durationMs }) => (durationMs === null ? null : duration(durationMs)) },
  { heading: 'batches', of: ({ batches }) => batches },
  { heading: 'consumed', of: ({ consumed }) => consumed },
  { heading: 'loaded', of: ({ loaded }) => loaded },
  { heading: 'duplicate', of: ({ duplicate }) => duplicate },
  { heading: 'dead-lettered', of: ({ deadLettered }) => deadLettered },
  { heading: 'retries', of: ({ retries }) => retries },
  { heading: 'error', of: ({ error }) => error },
  { heading: 'worker', of: ({ worker }) => worker },
]

export function addRuns(parent: Command): void {
  const command = parent
    .command('runs')
    .description('The runs of the job, newest first.')
    .option('--limit <n>', 'at most so many', aLimit, 20)
    .addOption(new Option('--status <status>', 'only those').choices(RUN_STATUSES))
    .option(...JSON_OPTION)
    .action((options: { limit: number; status?: string; json?: boolean }) =>
      inSession(async ({ pool }) => {
        const runs = await readRuns(pool, options.limit, options.status)
        printRows(runs, COLUMNS, { json: options.json ?? false, none: 'There was no such run.' })
      }),
    )
  withExamples(command, 'runs', 'runs --status failed --limit 5', 'runs --json')
}
