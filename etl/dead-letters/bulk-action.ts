import type { ClientBase, Pool } from 'pg'
import type { SQL } from 'drizzle-orm'
import { z } from 'zod'
import { and, countRows, eq, gte, isNull, lte, or, sql } from '../postgres/drizzle.ts'
import { on } from '../postgres/query.ts'
import { commit, inTransaction } from '../postgres/transaction.ts'
import {
  ActionRefused,
  lockForgetting,
  NotFound,
  recordAction,
  type Action,
  type Operator,
} from '../operations/actions.ts'
import { conditionOf, d, deadLetterFilter, type DeadLetterFilter } from './filter.ts'
import type { Executor, Job, JobProgress } from '../operations/background.ts'

/** What redrive and dismissal have in common: an action on all open dead letters that match a filter. */
export interface DeadLetterRequest {
  readonly action: 'redrive' | 'dismiss'
  readonly stream: string
  readonly filter: DeadLetterFilter
  readonly reason?: string | undefined
  /** As counted when the operator decided; where it is another number by now, nothing is done. */
  readonly expectedCount?: number | undefined
  readonly payload?: Buffer | undefined
}

/**
 * Counts, and leaves the action for a worker.
 *
 * @param check looks at what else must hold, in the same transaction.
 * @throws NotFound, ActionRefused.
 */
export async function requestOnDeadLetters(
  pool: Pool,
  by: Operator,
  { action, stream, filter, reason, expectedCount, payload }: DeadLetterRequest,
  check: (client: ClientBase) => Promise<void> = () => Promise.resolve(),
): Promise<Action> {
  if (filter.state !== 'open')
    throw new ActionRefused('Only open dead letters can be acted on: leave the state at open.')
  return inTransaction(pool, async (client) => {
    if (action === 'redrive') await lockForgetting(client)
    const [found] = await on(client)
      .select({ count: countRows(), throughId: sql<number | null>`max(${d.id})` })
      .from(d)
      .where(conditionOf(stream, filter))
    const { count, throughId } = found!
    if (count === 0) await explainNone(client, filter)
    if (expectedCount !== undefined && count !== expectedCount)
      throw new ActionRefused(
        `The plan changed: ${count} dead letters match now, not ${expectedCount}. Look at them again, then repeat it.`,
      )
    await check(client)
    return commit(
      await recordAction(client, by, {
        action,
        stream,
        target: { ...filter, throughId },
        reason,
        payload,
        status: 'pending',
        total: count,
      }),
    )
  })
}

/** Says of a single one why it is not among the open ones. */
async function explainNone(client: ClientBase, { ids }: DeadLetterFilter): Promise<never> {
  if (ids?.length !== 1) throw new ActionRefused('No open dead letter matches: there is nothing to do.')
  const [letter] = await on(client)
    .select({ resolvedAt: d.resolvedAt, resolution: d.resolution, forgottenAt: d.forgottenAt })
    .from(d)
    .where(eq(d.id, ids[0]!))
  if (letter === undefined) throw new NotFound(`There is no dead letter ${ids[0]}.`)
  if (letter.forgottenAt !== null)
    throw new ActionRefused(
      `Dead letter ${ids[0]} is forgotten since ${letter.forgottenAt.toISOString()}: its bytes were overwritten, so nothing of it can be sent or loaded.`,
    )
  if (letter.resolvedAt !== null)
    throw new ActionRefused(
      `Dead letter ${ids[0]} is resolved: ${letter.resolution ?? 'no reason on record'}.`,
    )
  throw new ActionRefused(`Dead letter ${ids[0]} does not match the rest of the filter.`)
}

const target = deadLetterFilter.extend({ throughId: z.int() })

/** The dead letters that an action goes through, as a condition on rows `d`. */
export interface Walk {
  readonly filter: DeadLetterFilter
  readonly where: SQL
}

/** How far it came: how many, the last one's id, and what came of them. */
interface Place<Result> extends JobProgress {
  readonly result: Result & JobProgress['result']
}

/**
 * Goes through an action's dead letters in steps, in the order of ids, from where it was.
 *
 * At the end, what was counted when it was asked for and is not there any more was resolved by a load that
 * had begun before, or is pruned. It is done too.
 *
 * @param step does the next ones after a position, and saves the place behind them in its transaction;
 *   undefined where there are none.
 */
export function walkExecutor<Result extends { readonly skipped: { readonly resolved?: number } }>(
  pool: Pool,
  nothing: Result,
  step: (job: Job, walk: Walk, from: Place<Result>) => Promise<Place<Result> | undefined>,
): Executor {
  return async (job) => {
    const { done, position, result, total } = job.action
    const walk = walkOf(job.action)
    let place: Place<Result> = { done, position, result: (result ?? nothing) as Place<Result>['result'] }
    for (;;) {
      job.signal.throwIfAborted()
      const next = await step(job, walk, place)
      if (next === undefined) break
      place = next
    }
    const rest = Math.max(0, (total ?? 0) - place.done)
    if (rest === 0) return place.result
    const skipped = withResolved(place.result.skipped, rest)
    return inTransaction(pool, async (client) => {
      const end = { ...place, done: place.done + rest, result: { ...place.result, skipped } }
      await job.saveProgress(client, end)
      return commit(end.result)
    })
  }
}

/** @param more that were resolved by somebody else. */
export function withResolved<Skipped extends { readonly resolved?: number }>(
  skipped: Skipped,
  more: number,
): Skipped {
  return more === 0 ? skipped : { ...skipped, resolved: (skipped.resolved ?? 0) + more }
}

/**
 * The dead letters of an action as a condition on rows `d`: those that were open when it was asked for, and
 * not those that came later. What was resolved since is among them, so that it is counted.
 */
function walkOf({ target: stored, stream, requestedAt }: Action): Walk {
  const { throughId, ...filter } = target.parse(stored)
  return {
    filter,
    where: and(
      conditionOf(stream!, { ...filter, state: 'all' }),
      lte(d.id, throughId),
      or(isNull(d.resolvedAt), gte(d.resolvedAt, requestedAt)),
    )!,
  }
}
