import { differing, type Column } from '../stream/columns.ts'
import type { StoredDerivation } from '../stream/facts.ts'
import type { Fact } from '../stream/types.ts'

/** A fact as it is stored, and as the current code derives it. */
export interface Comparison {
  readonly stored: Fact
  readonly fact: Fact
}

export interface Compared {
  readonly same: readonly Comparison[]
  readonly changed: readonly Comparison[]
  /** How many are stored with other contract values. */
  readonly otherValues: number
  /** How many were forgotten: what the log says of these doesn't come back. */
  readonly forgotten: number
}

/** Holds facts against what is stored of them. */
export function compare(
  facts: readonly Fact[],
  stored: ReadonlyMap<number, StoredDerivation>,
  derived: readonly Column[],
): Compared {
  const same: Comparison[] = []
  const changed: Comparison[] = []
  let otherValues = 0
  let forgotten = 0
  for (const fact of facts) {
    const found = stored.get(fact.offset)
    if (found === undefined) continue
    if (found.isForgotten) {
      forgotten += 1
      continue
    }
    if (!found.sameValues) {
      otherValues += 1
      continue
    }
    const differs = differing(derived, fact.row, found.derived).length > 0
    const before = { ...fact, row: { ...fact.row, ...found.derived } }
    ;(differs ? changed : same).push({ fact, stored: before })
  }
  return { same, changed, otherValues, forgotten }
}
