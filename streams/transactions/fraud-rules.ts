/** What a fraud rule may look at, in the units of the stream's words: amounts in hundredths, times in microseconds. */
export interface FraudSubject {
  readonly amount: number
  readonly currency: string
  /** Microseconds since the epoch, UTC. */
  readonly timestamp: number
  readonly customer_id: string
  readonly product_category: string
}

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
    condition: ({ amount }) => amount > 1_000_00,
    weight: 50,
    reason: 'amount over 1000',
    enabled: true,
  },
  {
    id: 'high-risk-category',
    condition: ({ product_category }) => HIGH_RISK_CATEGORIES.has(product_category),
    weight: 30,
    reason: 'high-risk category',
    enabled: false,
  },
  {
    id: 'night-hours',
    condition: ({ timestamp }) => utcHour(timestamp) < 5,
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
): { is_fraud_flagged: boolean; fraud_score: number; fraud_reasons: readonly string[] } {
  let score = 0
  const reasons: string[] = []
  for (const rule of rules) {
    if (!rule.enabled || !rule.condition(subject)) continue
    score += rule.weight
    reasons.push(rule.reason)
  }
  return { is_fraud_flagged: reasons.length > 0, fraud_score: Math.min(score, 100), fraud_reasons: reasons }
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

function utcHour(micros: number): number {
  return new Date(Math.floor(micros / 1_000)).getUTCHours()
}
