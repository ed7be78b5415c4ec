import type { SourceRecord } from '../kafka/record.ts'
import type { Stream } from '../stream/compile.ts'
import type { Row } from '../stream/field.ts'
import type { Fact, Rejection } from '../stream/types.ts'

/** What became of each record of a batch that kept the contract. */
export interface Settled {
  /** To be loaded: the first of its identity, which was ours to claim. */
  readonly fresh: readonly Fact[]
  readonly duplicates: number
  readonly conflicts: readonly Rejection[]
}

/** The first fact of each identity, ascending by it: what a load tries to claim. */
export function firstOfEachIdentity(facts: readonly Fact[]): Fact[] {
  const firsts = new Map<string, Fact>()
  for (const fact of facts) if (!firsts.has(fact.identity)) firsts.set(fact.identity, fact)
  return [...firsts.values()].sort((a, b) => (a.identity < b.identity ? -1 : 1))
}

/**
 * Holds a batch against what the warehouse has. A fact that is there decides, else the batch's lowest offset: the
 * same contract values are a duplicate, others a conflict.
 *
 * @param facts in offset order.
 * @param firsts of `firstOfEachIdentity`.
 * @param existing what is stored of those that were not ours to claim, by identity.
 */
export function settleDuplicates(
  { differing, identity }: Pick<Stream, 'differing' | 'identity'>,
  facts: readonly Fact[],
  firsts: readonly Fact[],
  existing: ReadonlyMap<string, Row>,
  recordOf: (offset: number) => SourceRecord,
): Settled {
  const fresh = existing.size === 0 ? firsts : firsts.filter((fact) => !existing.has(fact.identity))
  if (fresh.length === facts.length) return { fresh, duplicates: 0, conflicts: [] }
  const winners = new Map(fresh.map((fact) => [fact.identity, fact]))
  let duplicates = 0
  const conflicts: Rejection[] = []
  for (const fact of facts) {
    const winner = winners.get(fact.identity)
    if (winner === fact) continue
    const different = differing(fact.row, winner?.row ?? existing.get(fact.identity)!)
    if (different.length === 0) {
      duplicates += 1
    } else {
      conflicts.push({
        record: recordOf(fact.offset),
        code: 'conflicting_duplicate',
        issues: different.map(({ field }) => ({
          field,
          message: `${field} is not that of ${identity.named(fact.row)} which was loaded before; what comes again must be the same`,
        })),
      })
    }
  }
  return { fresh, duplicates, conflicts }
}
