import { assess, type FraudRule } from '../stream/fraud-rules.ts'
import { taxCents, type TaxRate } from '../stream/money.ts'
import type { Fact, ValidRecord } from '../stream/types.ts'

/** What the derived values depend on besides the transaction. */
export interface TransformRules {
  readonly taxRate: TaxRate
  readonly fraudRules: readonly FraudRule[]
}

/**
 * Derives from each transaction its tax, its total and what the fraud rules say, in the order given.
 * Depends on nothing but its arguments, so a replay with the same rules gives the same facts.
 */
export function transform(valid: readonly ValidRecord[], using: TransformRules): Fact[] {
  return valid.map(({ record, transaction }) => {
    const tax = taxCents(transaction.amountCents, using.taxRate)
    return {
      ...transaction,
      offset: record.offset,
      taxCents: tax,
      totalCents: transaction.amountCents + tax,
      ...assess(transaction, using.fraudRules),
    }
  })
}
