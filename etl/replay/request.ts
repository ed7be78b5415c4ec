import type { Pool } from 'pg'
import type { Kafka } from '../kafka/client.ts'
import { recordAction, requireNoOtherReplay, type Action, type Operator } from '../operations/actions.ts'
import { on } from '../postgres/query.ts'
import { replayRanges } from '../schema/operations.ts'
import { commit, inTransaction } from '../postgres/transaction.ts'
import { planReplay, type ReplayPlan, type ReplayRange } from './plan.ts'

export interface ReplayRequest {
  readonly stream: string
  readonly topic: string
  readonly range: ReplayRange
  /** Only says what would change. */
  readonly dryRun: boolean
  readonly reason?: string | undefined
  /** The field to be filled, of those that `requireFillable` lets pass; else what is derived is brought up to date. */
  readonly fill?: string | undefined
  /** Of `countOutOfReach`, for the record. */
  readonly outOfReach?: number | undefined
}

/**
 * Asks for a replay, which a worker then does in the background. Its total and its progress are offsets.
 *
 * @throws ActionRefused where there is nothing to read, or where another replay is not finished.
 */
export async function requestReplay(
  pool: Pool,
  kafka: Kafka,
  by: Operator,
  { stream, topic, range, dryRun, reason, fill, outOfReach }: ReplayRequest,
): Promise<{ action: Action; plan: ReplayPlan }> {
  const plan = await planReplay(pool, kafka, topic, range)
  return inTransaction(pool, async (client) => {
    await requireNoOtherReplay(client, stream)
    const action = await recordAction(client, by, {
      action: 'replay',
      stream,
      target: { topic, dryRun, range, notes: plan.notes, ...(fill !== undefined && { fill, outOfReach }) },
      reason,
      status: 'pending',
      total: plan.offsets,
    })
    await on(client)
      .insert(replayRanges)
      .values(
        plan.ranges.map(({ from, to, ...where }) => ({
          ...where,
          actionId: action.id,
          fromOffset: from,
          toOffset: to,
          nextOffset: from,
        })),
      )
    return commit({ action, plan })
  })
}
