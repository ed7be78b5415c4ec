/** A tax rate as the exact ratio of two integers; 0.085 is 85/1000. Made by `taxRate` alone. */
export interface TaxRate {
  readonly numerator: bigint
  readonly denominator: bigint
  /** Up to this many cents, the tax can be computed in plain numbers without leaving the safe integers. */
  readonly safeCents: number
}

const DECIMAL = /^(\d*)\.?(\d*)(?:e([+-]?\d{1,3}))?$/i

/**
 * The rate that a decimal such as 0.085 or '0.085' writes, exactly. Of a number, the shortest decimal
 * that reads back as that number counts, which is what whoever configured it typed.
 *
 * @throws RangeError for what is no decimal from 0 to 1.
 */
export function taxRate(value: number | string): TaxRate {
  const match = DECIMAL.exec(String(value))
  const digits = `${match?.[1] ?? ''}${match?.[2] ?? ''}`
  if (match === null || digits === '') throw notARate(value)
  const decimals = (match[2] ?? '').length - Number(match[3] ?? 0)
  const numerator = BigInt(digits) * 10n ** BigInt(Math.max(0, -decimals))
  const denominator = 10n ** BigInt(Math.max(0, decimals))
  if (numerator > denominator) throw notARate(value)
  return { numerator, denominator, safeCents: safeCents(numerator, denominator) }
}

function notARate(value: number | string): RangeError {
  return new RangeError(
    `Tax rate is ${String(value).slice(0, 80)}; it must be a decimal from 0 to 1, such as 0.085`,
  )
}

/** The largest amount for which `2 × amount × numerator + denominator`, the widest term, is a safe integer. */
function safeCents(numerator: bigint, denominator: bigint): number {
  const room = BigInt(Number.MAX_SAFE_INTEGER) - denominator
  if (room < 0n) return -1
  return numerator === 0n ? Number.MAX_SAFE_INTEGER : Number(room / (2n * numerator))
}

/**
 * Tax on an amount, both in cents, rounded half up: exactly floor(amount × rate + 1/2).
 *
 * @param amountCents a safe integer, 0 or more
 */
export function taxCents(amountCents: number, rate: TaxRate): number {
  if (amountCents > rate.safeCents) {
    return Number((2n * BigInt(amountCents) * rate.numerator + rate.denominator) / (2n * rate.denominator))
  }
  const divisor = 2 * Number(rate.denominator)
  const dividend = 2 * amountCents * Number(rate.numerator) + Number(rate.denominator)
  return (dividend - (dividend % divisor)) / divisor
}
