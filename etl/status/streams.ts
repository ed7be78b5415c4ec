import type { Pool } from 'pg'
import { GONE_AFTER_SECONDS } from '../ledger/runs.ts'
import { sql } from '../postgres/drizzle.ts'
import { read, type Row } from '../postgres/query.ts'
import { streams } from '../schema/audit.ts'

const { name } = streams

/** That a worker runs it. */
const isThere = sql`w.stream = ${name} and seen_at > now() - make_interval(secs => ${GONE_AFTER_SECONDS})`

/** Not of a topic that the stream was moved from. */
const isRead = sql`stop_code is distinct from 'moved'`

const STREAM = {
  name,
  /** Offsets between the watermarks and the ends that runs saw last; null before the first look. */
  lag: sql<
    number | null
  >`(select sum(greatest(log_end - next_offset, 0))::bigint from audit.partition_progress p where p.stream = ${name} and ${isRead})`,
  stopped: sql<number>`(select count(*) from audit.partition_progress p where p.stream = ${name} and stopped_at is not null and ${isRead})`,
  workers: sql<number>`(select count(*) from audit.workers w
    where ${isThere})`,
  /** Why a worker can't load it; null where all can. */
  problem: sql<string | null>`(select min(problem) from audit.workers w
    where ${isThere})`,
  isPaused: sql<boolean>`exists (select from audit.control c where c.paused_at is not null and c.stream in ('', ${name}))`,
  openAlerts: sql<number>`(select count(*) from audit.alerts a where a.stream = ${name} and ended_at is null)`,
  /** When a run last succeeded. */
  succeededAt: sql<Date | null>`(select r.finished_at from audit.pipeline_runs r
    where r.stream = ${name} and kind in ('tick', 'manual') and status = 'succeeded' order by started_at desc limit 1)`,
  /** Of the last run that ended. */
  lastStatus: sql<'succeeded' | 'failed' | 'abandoned' | null>`(select r.status from audit.pipeline_runs r
    where r.stream = ${name} and kind in ('tick', 'manual') and status <> 'running' order by started_at desc limit 1)`,
}

/** How a stream is, in a line. */
export type StreamState = Row<typeof STREAM>

/** Of these streams, in their order; by the warehouse alone. */
export async function readStreams(pool: Pool, names: readonly string[]): Promise<StreamState[]> {
  const rows = await read(
    pool,
    STREAM,
    (columns) => sql`select ${columns} from ${streams} where ${name} = any(${sql.param(names)})`,
  )
  return names.flatMap((one) => rows.find((row) => row.name === one) ?? [])
}

/** The most urgent thing that holds of it, in a word or two. */
export function stateOf(stream: StreamState): { readonly words: string; readonly isWell: boolean } {
  const { isPaused, stopped, workers, problem, lastStatus } = stream
  const troubles: [boolean, string][] = [
    [isPaused, 'Paused'],
    [stopped > 0, stopped === 1 ? 'A partition stopped' : `${stopped} partitions stopped`],
    [workers === 0, 'Run by no worker'],
    [problem !== null, problem ?? ''],
    [lastStatus === 'failed' || lastStatus === 'abandoned', 'Failing'],
  ]
  const found = troubles.find(([holds]) => holds)
  return found === undefined ? { words: 'Running', isWell: true } : { words: found[1], isWell: false }
}
