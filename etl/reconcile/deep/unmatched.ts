import type { Transaction } from '../../stream/types.ts'
import type { SourceRecord } from '../../kafka/record.ts'
import { validateRecord } from '../../job/validate.ts'
import type { Snapshot } from '../snapshot.ts'
import { ANY_AGE } from './match-records.ts'
import { differences } from './same-values.ts'
import { findOrders, type StoredOrder } from './stored-rows.ts'

/**
 * Why a record may be neither fact nor dead letter.
 *
 * - `duplicate`: its order is in the warehouse, from another record, with the same values
 * - `no fact`: its order has no fact, and is so old that the fact may have been dropped for its age
 * - `other`: by what the warehouse has it is lost, unless it was a dead letter that is pruned
 */
export type Unmatched =
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'no fact' | 'other'; readonly why: string }

/** A month is dropped only when it has ended so many days ago; the owner's function refuses others. */
const DROPPED_AFTER_MS = 31 * 86_400_000

/** Looks for the orders of records that are neither fact nor dead letter. By their offsets. */
export async function explainUnmatched(
  snapshot: Snapshot,
  records: readonly SourceRecord[],
): Promise<Map<number, Unmatched>> {
  const explained = new Map<number, Unmatched>()
  const valid: { offset: number; transaction: Transaction }[] = []
  for (const record of records) {
    const outcome = validateRecord(record, ANY_AGE)
    if ('code' in outcome)
      explained.set(record.offset, { kind: 'other', why: `it breaks the contract (${outcome.code})` })
    else valid.push({ offset: record.offset, transaction: outcome.transaction })
  }
  if (valid.length === 0) return explained
  const ids = valid.map(({ transaction }) => transaction.orderId)
  const orders = await findOrders(snapshot, ids)
  for (const { offset, transaction } of valid)
    explained.set(offset, explain(transaction, orders.get(transaction.orderId)))
  return explained
}

function explain(transaction: Transaction, order: StoredOrder | undefined): Unmatched {
  const { orderId, timestampMicros } = transaction
  if (order?.fact) {
    const different = differences(order.fact, transaction)
    if (different.length === 0) return { kind: 'duplicate' }
    return { kind: 'other', why: `order ${orderId} is another: its ${different.join('; ')}` }
  }
  if (order !== undefined && order.keyMicros !== timestampMicros)
    return { kind: 'other', why: `order ${orderId} has a key of another time` }
  const why =
    order === undefined ? `order ${orderId} was never loaded` : `order ${orderId} has a key, but no fact`
  return { kind: mayBeDropped(timestampMicros) ? 'no fact' : 'other', why }
}

function mayBeDropped(micros: number): boolean {
  const at = new Date(micros / 1_000)
  const monthEnd = Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1)
  return monthEnd <= Date.now() - DROPPED_AFTER_MS
}
