import type { Pool } from 'pg'
import { acknowledgeDataLoss } from '../ledger/losses.ts'
import type { PartitionId } from '../ledger/progress.ts'
import { commit, inTransaction } from '../postgres/transaction.ts'
import { ActionRefused, recordAction, type Action, type Operator } from '../operations/actions.ts'

export interface DataLoss extends PartitionId {
  readonly incarnation: number
  readonly from: number
  /** One past the last. */
  readonly to: number
  readonly detectedAt: Date
  readonly acknowledgedBy: string | null
  readonly reason: string | null
}

/** Of one partition or of all; open ones first. */
export async function readDataLosses(pool: Pool, topic: string, partition?: number): Promise<DataLoss[]> {
  const { rows } = await pool.query<DataLoss>(
    `select topic, partition, incarnation, from_offset as "from", to_offset as "to", detected_at as "detectedAt",
            acknowledged_by as "acknowledgedBy", reason
     from audit.data_losses where topic = $1 and ($2::int is null or partition = $2)
     order by acknowledged_at is not null, partition, incarnation, from_offset`,
    [topic, partition ?? null],
  )
  return rows
}

/**
 * An operator has seen a data loss: it stays on record with the reason, and no longer fails reconcile.
 *
 * @throws ActionRefused, also where somebody did so before: the first reason stands.
 */
export function acknowledgeLoss(
  pool: Pool,
  by: Operator,
  loss: Pick<DataLoss, 'topic' | 'partition' | 'incarnation' | 'from'>,
  reason: string,
): Promise<Action> {
  const { topic, partition, incarnation, from } = loss
  return inTransaction(pool, async (client) => {
    if (!(await acknowledgeDataLoss(client, loss, by.name, reason)))
      throw new ActionRefused(
        `${topic}/${partition} has no open data loss that begins at ${from}: it may have been acknowledged meanwhile.`,
      )
    return commit(
      await recordAction(client, by, {
        action: 'acknowledge_loss',
        target: { topic, partition, incarnation, from },
        reason,
        status: 'succeeded',
      }),
    )
  })
}
