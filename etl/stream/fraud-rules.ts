import type { Fact, FraudSubject } from './types.ts'

/**
 * The fraud rules, as data.
 *
 * To add one, append it to FRAUD_RULES: an id that no other rule has, the condition, the weight, and
 * the reason that people read. To switch one on or off, set `enabled`. Facts that were loaded before
 * keep what was decided about them until they are replayed (`pulse replay`).
 */
export interface FraudRule {
  /** Lower-case words joined by dashes; names the rule in tests and messages. */
  readonly id: string
  /**
   * Whether the transaction is suspicious. It must decide by the transaction alone, without a clock or
   * a lookup, so that a replay decides the same; if it throws, the run fails and nothing is loaded.
   */
  readonly condition: (transaction: FraudSubject) => boolean
  /** What the rule adds to the fraud score, an integer from 1 to 100. */
  readonly weight: number
  /** Stored with the fact, so keep it short, and the same for all that the rule finds. */
  readonly reason: string
  readonly enabled: boolean
}

const HIGH_RISK_CATEGORIES: ReadonlySet<string> = new Set(['gift_cards', 'jewelry'])

export const FRAUD_RULES: readonly FraudRule[] = checkedFraudRules([
  {
    id: 'high-amount',
    condition: ({ amountCents }) => amountCents > 1_000_00,
    weight: 50,
    reason: 'amount over 1000',
    enabled: true,
  },
  {
    id: 'high-risk-category',
    condition: ({ productCategory }) => HIGH_RISK_CATEGORIES.has(productCategory),
    weight: 30,
    reason: 'high-risk category',
    enabled: false,
  },
  {
    id: 'night-hours',
    condition: ({ timestampMicros }) => utcHour(timestampMicros) < 5,
    weight: 20,
    reason: 'between 00:00 and 05:00 UTC',
    enabled: false,
  },
])

/**
 * Holds a transaction against the enabled rules: flagged if any of them finds it, with the sum of their
 * weights (100 at most) as score and their reasons in the order of the rules.
 */
export function assess(
  subject: FraudSubject,
  rules: readonly FraudRule[],
): Pick<Fact, 'isFraudFlagged' | 'fraudScore' | 'fraudReasons'> {
  let score = 0
  const fraudReasons: string[] = []
  for (const rule of rules) {
    if (!rule.enabled || !rule.condition(subject)) continue
    score += rule.weight
    fraudReasons.push(rule.reason)
  }
  return { isFraudFlagged: fraudReasons.length > 0, fraudScore: Math.min(score, 100), fraudReasons }
}

/**
 * The rules as they are.
 *
 * @throws Error for a weight that the warehouse wouldn't take, an empty reason, or an id that occurs twice.
 */
export function checkedFraudRules(rules: readonly FraudRule[]): readonly FraudRule[] {
  const ids = new Set<string>()
  for (const { id, weight, reason } of rules) {
    if (ids.has(id)) throw new Error(`Fraud rule ${id} occurs twice; each rule needs an id of its own`)
    ids.add(id)
    if (!Number.isInteger(weight) || weight < 1 || weight > 100) {
      throw new Error(`Fraud rule ${id} has the weight ${weight}; it must be an integer from 1 to 100`)
    }
    if (reason.trim() === '') throw new Error(`Fraud rule ${id} has no reason`)
  }
  return rules
}

function utcHour(timestampMicros: number): number {
  return new Date(Math.floor(timestampMicros / 1_000)).getUTCHours()
}
