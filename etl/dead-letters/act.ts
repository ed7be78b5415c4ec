import type { ClientBase, Pool } from 'pg'
import { z } from 'zod'
import { commit, inTransaction } from '../postgres/transaction.ts'
import { ActionRefused, NotFound, recordAction, type Action, type Operator } from '../operations/actions.ts'
import { conditionOf, deadLetterFilter, type DeadLetterFilter } from './filter.ts'
import type { Job } from '../operations/background.ts'

/** What redrive and dismissal have in common: an action on all open dead letters that match a filter. */
export interface DeadLetterRequest {
  readonly action: 'redrive' | 'dismiss'
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
  { action, filter, reason, expectedCount, payload }: DeadLetterRequest,
  check: (client: ClientBase) => Promise<void> = () => Promise.resolve(),
): Promise<Action> {
  if (filter.state !== 'open')
    throw new ActionRefused('Only open dead letters can be acted on: leave the state at open.')
  const { where, values } = conditionOf(filter)
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query<{ count: number; throughId: number | null }>(
      `select count(*) as count, max(d.id) as "throughId" from audit.dead_letters d where ${where}`,
      values,
    )
    const { count, throughId } = rows[0]!
    if (count === 0) await explainNone(client, filter)
    if (expectedCount !== undefined && count !== expectedCount)
      throw new ActionRefused(
        `The plan changed: ${count} dead letters match now, not ${expectedCount}. Look at them again, then repeat it.`,
      )
    await check(client)
    return commit(
      await recordAction(client, by, {
        action,
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
  const { rows } = await client.query<{ resolution: string | null }>(
    `select resolution from audit.dead_letters where id = $1 and resolved_at is not null`,
    ids,
  )
  if (rows[0] !== undefined)
    throw new ActionRefused(
      `Dead letter ${ids[0]} is resolved: ${rows[0].resolution ?? 'no reason on record'}.`,
    )
  const { rowCount } = await client.query(`select from audit.dead_letters where id = $1`, ids)
  if (rowCount === 0) throw new NotFound(`There is no dead letter ${ids[0]}.`)
  throw new ActionRefused(`Dead letter ${ids[0]} does not match the rest of the filter.`)
}

const target = deadLetterFilter.extend({ throughId: z.int() })

/** What the action was asked to do, as the condition that `nextOf` walks by. */
export interface Walk {
  readonly filter: DeadLetterFilter
  readonly where: string
  readonly values: unknown[]
}

/**
 * The dead letters of an action as a condition on rows `d`: those that were open when it was asked for, and
 * not those that came later. What was resolved since is among them, so that it is counted.
 */
export function walkOf({ target: stored, requestedAt }: Action): Walk {
  const { throughId, ...filter } = target.parse(stored)
  const { where, values } = conditionOf({ ...filter, state: 'all' })
  const through = values.push(throughId)
  const since = values.push(requestedAt)
  return {
    filter,
    values,
    where: `${where} and d.id <= $${through} and (d.resolved_at is null or d.resolved_at >= $${since})`,
  }
}

/** The running result of an action, in the transaction of the step that it is of: a crash must not lose it. */
export async function saveResult(
  client: ClientBase,
  { id }: Action,
  result: Readonly<Record<string, unknown>>,
): Promise<void> {
  await client.query(`update audit.operator_actions set result = $2 where id = $1`, [
    id,
    JSON.stringify(result),
  ])
}

/**
 * At the end of the walk: what was counted when it was asked for and is not there any more was resolved by
 * a load that had begun before, or is pruned. It is done too.
 *
 * @returns how many.
 */
export async function countRest(pool: Pool, job: Job, done: number, position: number): Promise<number> {
  const rest = Math.max(0, (job.action.total ?? 0) - done)
  if (rest === 0) return 0
  await inTransaction(pool, async (client) => {
    await job.saveProgress(client, done + rest, position)
    return commit(undefined)
  })
  return rest
}

/** @param more that were resolved by somebody else. */
export function withResolved<Skipped extends { readonly resolved?: number }>(
  skipped: Skipped,
  more: number,
): Skipped {
  return more === 0 ? skipped : { ...skipped, resolved: (skipped.resolved ?? 0) + more }
}
