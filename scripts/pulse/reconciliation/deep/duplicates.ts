import type { SourceRecord, Transaction } from '../../../../etl/types.ts'
import { validateRecord } from '../../../../etl/validate.ts'
import type { DeepCheck } from './every-record.ts'
import { ANY_AGE } from './match-records.ts'
import { differences } from './same-values.ts'
import { findOrders, type Origin } from './stored-rows.ts'

/**
 * Records that are neither fact nor dead letter must be duplicates: each keeps the contract, and its order
 * is in the warehouse, from another record, with the same values. Any other was lost.
 *
 * @returns the offsets of those that are.
 */
export async function findDuplicates(
  { snapshot, findings }: DeepCheck,
  { topic, partition }: Origin,
  records: readonly SourceRecord[],
): Promise<Set<number>> {
  const lost = (offset: number, why: string) =>
    findings.add(
      'lost',
      `${topic}/${partition} offset ${offset}`,
      `it is neither fact nor dead letter, and no duplicate: ${why}`,
    )
  const valid: { offset: number; transaction: Transaction }[] = []
  for (const record of records) {
    const outcome = validateRecord(record, ANY_AGE)
    if ('code' in outcome) lost(record.offset, `it breaks the contract (${outcome.code})`)
    else valid.push({ offset: record.offset, transaction: outcome.transaction })
  }
  const duplicates = new Set<number>()
  if (valid.length === 0) return duplicates
  const orders = await findOrders(
    snapshot,
    valid.map(({ transaction }) => transaction.orderId),
  )
  for (const { offset, transaction } of valid) {
    const order = orders.get(transaction.orderId)
    if (order === undefined) lost(offset, `order ${transaction.orderId} was never loaded`)
    else if (order === null) lost(offset, `order ${transaction.orderId} has a key, but no fact`)
    else {
      const different = differences(order, transaction)
      if (different.length === 0) duplicates.add(offset)
      else lost(offset, `order ${transaction.orderId} is another: its ${different.join('; ')}`)
    }
  }
  return duplicates
}
