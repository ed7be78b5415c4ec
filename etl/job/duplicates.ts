import { CONTRACT_COLUMNS } from '../stream/contract-columns.ts'
import type { ExistingOrder } from '../stream/keys.ts'
import type { Fact, Rejection, Transaction } from '../stream/types.ts'
import type { SourceRecord } from '../kafka/record.ts'

/** What became of each record of a batch that kept the contract. */
export interface Settled {
  /** To be inserted: the first of its order, and the order was ours to claim. */
  readonly fresh: readonly Fact[]
  readonly duplicates: number
  readonly conflicts: readonly Rejection[]
}

/** The first fact of each order, ascending by order_id: what a load tries to claim. */
export function firstOfEachOrder(facts: readonly Fact[]): Fact[] {
  const firsts = new Map<string, Fact>()
  for (const fact of facts) if (!firsts.has(fact.orderId)) firsts.set(fact.orderId, fact)
  return [...firsts.values()].sort((a, b) => (a.orderId < b.orderId ? -1 : 1))
}

/**
 * Holds a batch against what the warehouse has. An order that is there decides, else the batch's lowest
 * offset: the same contract values are a duplicate, others a conflict.
 *
 * @param facts in offset order.
 * @param firsts of `firstOfEachOrder`.
 */
export function settleDuplicates(
  facts: readonly Fact[],
  firsts: readonly Fact[],
  existing: ReadonlyMap<string, ExistingOrder>,
  recordOf: (offset: number) => SourceRecord,
): Settled {
  const fresh = existing.size === 0 ? firsts : firsts.filter((fact) => !existing.has(fact.orderId))
  if (fresh.length === facts.length) return { fresh, duplicates: 0, conflicts: [] }
  const winners = new Map(fresh.map((fact) => [fact.orderId, fact]))
  let duplicates = 0
  const conflicts: Rejection[] = []
  for (const fact of facts) {
    const winner = winners.get(fact.orderId)
    if (winner === fact) continue
    const differing =
      winner === undefined
        ? differencesToStored(fact, existing.get(fact.orderId)!)
        : differences(fact, winner)
    if (differing.length === 0) {
      duplicates += 1
    } else {
      conflicts.push({
        record: recordOf(fact.offset),
        code: 'conflicting_duplicate',
        issues: differing.map((field) => ({
          field,
          message: `${field} is not that of order ${fact.orderId} which was loaded before; an order that comes again must be the same`,
        })),
      })
    }
  }
  return { fresh, duplicates, conflicts }
}

/** By the names of the message's fields. */
function differences(fact: Transaction, other: Transaction): string[] {
  const differing = CONTRACT_COLUMNS.filter(({ field }) => fact[field] !== other[field])
  const names = differing.map(({ name }) => name)
  return fact.timestampMicros === other.timestampMicros ? names : [...names, 'timestamp']
}

/** Where only the key is left of an old order, its timestamp is all that can be compared. */
function differencesToStored(fact: Fact, stored: ExistingOrder): string[] {
  return differences(fact, { ...fact, ...stored.values, timestampMicros: stored.timestampMicros })
}
