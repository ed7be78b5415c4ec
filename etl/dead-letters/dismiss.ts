import type { Pool } from 'pg'
import { sql } from '../postgres/drizzle.ts'
import { read } from '../postgres/query.ts'
import { deadLetters } from '../schema/audit.ts'
import { commit, inTransaction, rollback } from '../postgres/transaction.ts'
import { ActionRefused, type Action, type Operator } from '../operations/actions.ts'
import type { Executor } from '../operations/background.ts'
import { d, type DeadLetterFilter } from './filter.ts'
import { requestOnDeadLetters, walkExecutor, withResolved } from './bulk-action.ts'

/** What came of a dismissal. */
export interface DismissResult {
  readonly dismissed: number
  /** Resolved by somebody else since. */
  readonly skipped: { readonly resolved?: number }
}

/**
 * Asks for all open dead letters that match to be resolved as they are. A worker does it.
 *
 * @param reason for whoever reads it in a year.
 * @throws NotFound, ActionRefused: nothing was asked for then.
 */
export async function requestDismiss(
  pool: Pool,
  by: Operator,
  filter: DeadLetterFilter,
  reason: string,
  { stream, expectedCount }: { readonly stream: string; readonly expectedCount?: number | undefined },
): Promise<Action> {
  if (reason.trim() === '')
    throw new ActionRefused('A dismissal needs a reason, for whoever reads it in a year.')
  return requestOnDeadLetters(pool, by, {
    action: 'dismiss',
    stream,
    filter,
    reason: reason.trim(),
    expectedCount,
  })
}

const STEP_LETTERS = 1_000

export function dismissExecutor({ pool }: { readonly pool: Pool }): Executor {
  const nothing: DismissResult = { dismissed: 0, skipped: {} }
  return walkExecutor(pool, nothing, (job, { where }, { done, position, result }) =>
    inTransaction(pool, async (client) => {
      // Rows are locked in the order of ids. One that a load resolves while we wait is seen as resolved.
      const [step] = await read(
        client,
        {
          seen: sql<number>`(select count(*) from step)`,
          last: sql<number | null>`(select max(id) from step)`,
          dismissed: sql<number>`(select count(*) from dismissed)`,
        },
        (columns) => sql`
          with step as (
            select ${d.id}, ${d.resolvedAt} from ${deadLetters} d
            where ${where} and ${d.id} > ${position} order by ${d.id} limit ${STEP_LETTERS} for update
          ), dismissed as (
            update ${deadLetters} d
            set resolved_at = now(), resolution = ${`dismissed: ${job.action.reason}`}, redriven_at = null
            from step where ${d.id} = step.id and step.resolved_at is null returning ${d.id}
          )
          select ${columns}`,
      )
      const { seen, last, dismissed } = step!
      if (last === null) return rollback(undefined)
      const place = {
        done: done + seen,
        position: last,
        result: {
          dismissed: result.dismissed + dismissed,
          skipped: withResolved(result.skipped, seen - dismissed),
        },
      }
      await job.saveProgress(client, place)
      return commit(place)
    }),
  )
}
