import type { SQL } from 'drizzle-orm'
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core'
import type { Pool } from 'pg'
import { topicsOf } from '../ledger/watermark.ts'
import { ACTION, isAbout, UNFINISHED, type Action } from '../operations/actions.ts'
import type { Control } from '../operations/control.ts'
import { NO_TOPIC, type WorkerRow } from '../operations/presence.ts'
import type { PartitionLag } from '../partitions/lag.ts'
import { and, inArray, isNull, sql } from '../postgres/drizzle.ts'
import { on, read, type Row } from '../postgres/query.ts'
import { dataLosses, deadLetters } from '../schema/audit.ts'
import { alerts, operatorActions } from '../schema/operations.ts'
import type { Run } from './runs.ts'

export type Condition =
  | {
      readonly kind: 'paused'
      readonly since: Date
      readonly by: string | null
      readonly reason: string | null
    }
  | { readonly kind: 'stopped'; readonly since: Date; readonly partitions: readonly number[] }
  | { readonly kind: 'late'; readonly since: Date }
  | { readonly kind: 'kafka-unreachable'; readonly problem: string }
  | { readonly kind: 'no-topic' }
  | { readonly kind: 'unwritable'; readonly problem: string }
  | { readonly kind: 'no-worker' }
  | { readonly kind: 'failing'; readonly run: Run }
  | { readonly kind: 'running'; readonly since: Date; readonly run: Run }
  | { readonly kind: 'idle' }

export interface Observations {
  readonly control: Pick<Control, 'pausedAt' | 'pausedBy' | 'pauseReason'>
  readonly partitions: readonly Pick<PartitionLag, 'partition' | 'stoppedAt'>[]
  /** Why the worker that looks can't write to the warehouse, if it can't. */
  readonly unwritable: string | undefined
  /** Since when no run has succeeded, where that is too long. */
  readonly lateSince: Date | null
  /** Those that were seen lately. */
  readonly workers: readonly Pick<WorkerRow, 'name' | 'problem'>[]
  /** The last drains, newest first: ticks and manual runs. */
  readonly drains: readonly Run[]
}

/**
 * What the job is doing. Everything that holds is named, the most urgent first, so that the first is the
 * state and the others help to explain it. Running or idle is said only of a job with no trouble.
 */
export function conditionsOf(seen: Observations): readonly [Condition, ...Condition[]] {
  const trouble = [...troubles(seen)]
  const [first, ...others] = trouble
  if (first !== undefined) return [first, ...others]
  const running = seen.drains.find(({ status }) => status === 'running')
  return [
    running === undefined ? { kind: 'idle' } : { kind: 'running', since: running.startedAt, run: running },
  ]
}

function* troubles(seen: Observations): Generator<Condition> {
  const { partitions, unwritable, lateSince, workers, drains } = seen
  const { pausedAt, pausedBy, pauseReason } = seen.control
  if (pausedAt !== null) yield { kind: 'paused', since: pausedAt, by: pausedBy, reason: pauseReason }

  const stopped = partitions.flatMap(({ partition, stoppedAt }) =>
    stoppedAt === null ? [] : [{ partition, stoppedAt }],
  )
  if (stopped.length > 0) {
    yield {
      kind: 'stopped',
      since: new Date(Math.min(...stopped.map(({ stoppedAt }) => stoppedAt.getTime()))),
      partitions: stopped.map(({ partition }) => partition),
    }
  }

  if (lateSince !== null) yield { kind: 'late', since: lateSince }

  // A worker says so itself when it is out of the group; one that can't reach Kafka is.
  const problems = workers.flatMap(({ problem }) => problem ?? [])
  if (workers.length > 0 && problems.length === workers.length)
    yield problems.every((problem) => problem === NO_TOPIC)
      ? { kind: 'no-topic' }
      : { kind: 'kafka-unreachable', problem: problems.find((problem) => problem !== NO_TOPIC)! }
  // Then the workers can't say either that they are there.
  if (unwritable !== undefined) yield { kind: 'unwritable', problem: unwritable }
  else if (workers.length === 0) yield { kind: 'no-worker' }

  const last = drains.find(({ status }) => status !== 'running')
  if (last !== undefined && last.status !== 'succeeded') yield { kind: 'failing', run: last }
}

/** Counting more would take long, and tells nobody more. */
export const MOST_COUNTED = 10_000

const rowsOf = (table: PgTable, where: SQL) => sql<number>`(select count(*) from ${table} where ${where})`
const atMost = (table: PgTable, where: SQL) =>
  sql<number>`(select count(*) from (select from ${table} where ${where} limit ${MOST_COUNTED}) counted)`

const countsOf = (stream: string) => {
  const isOurs = (topic: PgColumn) => sql`${topic} = any(${topicsOf(stream)})`
  return {
    openAlerts: rowsOf(alerts, and(inArray(alerts.stream, [stream, '']), isNull(alerts.endedAt))!),
    unacknowledgedLosses: rowsOf(
      dataLosses,
      and(isOurs(dataLosses.topic), isNull(dataLosses.acknowledgedAt))!,
    ),
    openDeadLetters: atMost(deadLetters, and(isOurs(deadLetters.topic), isNull(deadLetters.resolvedAt))!),
    /** Dead letters that the DLQ topic does not have yet. */
    unpublishedDeadLetters: atMost(
      deadLetters,
      and(isOurs(deadLetters.topic), isNull(deadLetters.publishedAt))!,
    ),
  }
}
/** What waits for a person, or goes on because one asked for it. */
export type Attention = Row<ReturnType<typeof countsOf>> & {
  /** Replays, redrives and dismissals that wait or run, the first asked for first. */
  readonly actions: readonly Action[]
}

export async function readAttention(pool: Pool, stream: string): Promise<Attention> {
  const [[counts], actions] = await Promise.all([
    read(pool, countsOf(stream), (columns) => sql`select ${columns}`),
    on(pool)
      .select(ACTION)
      .from(operatorActions)
      .where(and(isAbout(stream), UNFINISHED))
      .orderBy(ACTION.id)
      .limit(20),
  ])
  return { ...counts!, actions }
}
