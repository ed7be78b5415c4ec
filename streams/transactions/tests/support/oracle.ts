/**
 * What is derived of a sale, by column, as Postgres writes it: worked out without the product's code, for
 * tests/support/verdict.ts.
 */
export function derivedOf(message: Readonly<Record<string, unknown>>): Record<string, string> {
  const cents = BigInt(Math.round((message['amount'] as number) * 100))
  const tax = (cents * 85n + 500n) / 1000n // 8.5 %, half up
  const isFlagged = cents > 100_000n
  return {
    tax_amount: decimal(tax),
    total_amount: decimal(cents + tax),
    is_fraud_flagged: String(isFlagged),
    fraud_score: isFlagged ? '50' : '0',
    fraud_reasons: isFlagged ? '["amount over 1000"]' : '[]',
  }
}

function decimal(cents: bigint): string {
  return `${cents / 100n}.${String(cents % 100n).padStart(2, '0')}`
}
