import { decimalsOf } from './currency-codes.ts'
import { inUnits, toDecimal, type Decimal } from './money.ts'

/**
 * Money of a currency, as `money({ of: 'currency' })` reads it: a whole number of the currency's own smallest unit.
 *
 * 12.50 euros are `{ minor: 1250, exponent: 2, currency: 'EUR' }`, 1,250 yen `{ minor: 1250, exponent: 0, currency: 'JPY' }`.
 * `minor` is a safe integer, so the largest amount is ninety million million euros.
 *
 * @typeParam Of the field that says the currency: amounts of two fields don't add up, and the compiler says so.
 */
export interface Amount<Of extends string = string> {
  readonly minor: number
  /** How many of its digits are decimals. */
  readonly exponent: number
  readonly currency: string
  /** For the compiler alone. */
  readonly of?: Of
}

/** What can't be computed of the amounts that a record has: the record becomes a dead letter, and no run fails. */
export class AmountError extends RangeError {
  override readonly name = 'AmountError'
}

/** Decimals that the column holds, and so the most that a currency can have. */
export const AMOUNT_SCALE = 4

/**
 * The sum. An argument's currency is compared when it runs, too.
 *
 * @throws AmountError where the currencies differ, or the sum is beyond the safe integers.
 * @example total: plus(order.price, order.shipping)
 */
export function plus<Of extends string>(a: Amount<Of>, b: Amount<NoInfer<Of>>): Amount<Of> {
  const exponent = common(a, b)
  return checked(a, scaled(a, exponent) + scaled(b, exponent), exponent)
}

/**
 * The difference.
 *
 * @throws AmountError as `plus`.
 */
export function minus<Of extends string>(a: Amount<Of>, b: Amount<NoInfer<Of>>): Amount<Of> {
  return plus(a, { ...b, minor: -b.minor })
}

/**
 * So many of it.
 *
 * @param count a whole number.
 * @throws AmountError where it is none, or the product is beyond the safe integers.
 * @example line_total: times(line.unit_price, line.quantity)
 */
export function times<Of extends string>(amount: Amount<Of>, count: number): Amount<Of> {
  if (!Number.isSafeInteger(count))
    throw new AmountError(`an amount is multiplied by a whole number, not ${count}`)
  return checked(amount, amount.minor * count, amount.exponent)
}

/**
 * A part of it, rounded half up to the currency's smallest unit: exactly floor(amount × numerator / denominator + 1/2).
 *
 * @param ratio whole numbers; 8.5 % is 85 of 1000.
 * @throws AmountError where the result is beyond the safe integers; RangeError where the denominator is not above 0.
 * @example tax: share(order.price, { numerator: 85n, denominator: 1000n })
 */
export function share<Of extends string>(
  amount: Amount<Of>,
  { numerator, denominator }: { readonly numerator: bigint; readonly denominator: bigint },
): Amount<Of> {
  if (denominator <= 0n) throw new RangeError(`a share's denominator is ${denominator}; it must be above 0`)
  const dividend = 2n * BigInt(amount.minor) * numerator + denominator
  const divisor = 2n * denominator
  const below = dividend < 0n && dividend % divisor !== 0n ? 1n : 0n // BigInt division cuts towards 0
  return checked(amount, Number(dividend / divisor - below), amount.exponent)
}

/**
 * Below 0, 0 or above 0, as `a` is less, equal or more.
 *
 * @throws AmountError where the currencies differ.
 */
export function compareAmounts<Of extends string>(a: Amount<Of>, b: Amount<NoInfer<Of>>): number {
  common(a, b)
  const [x, y] = [tenThousandths(a), tenThousandths(b)]
  return x < y ? -1 : Number(x > y)
}

function common(a: Amount, b: Amount): number {
  if (a.currency !== b.currency)
    throw new AmountError(`amounts of ${a.currency} and ${b.currency} can't be held against each other`)
  return Math.max(a.exponent, b.exponent)
}

const scaled = ({ minor, exponent }: Amount, to: number): number => minor * 10 ** (to - exponent)

function checked<Of extends string>(of: Amount<Of>, minor: number, exponent: number): Amount<Of> {
  if (!Number.isSafeInteger(minor))
    throw new AmountError(
      `an amount of ${of.currency} beyond ${Number.MAX_SAFE_INTEGER} of its smallest unit`,
    )
  return { minor, exponent, currency: of.currency }
}

/** In the unit that all currencies have in common, for sums; a bigint where it has to be. */
export function tenThousandths({ minor, exponent }: Amount): number | bigint {
  const value = minor * 10 ** (AMOUNT_SCALE - exponent)
  return Number.isSafeInteger(value) ? value : BigInt(minor) * 10n ** BigInt(AMOUNT_SCALE - exponent)
}

export const sameAmount = (a: Amount, b: Amount): boolean =>
  a.minor === b.minor && a.exponent === b.exponent ? true : tenThousandths(a) === tenThousandths(b)

/** "12.50", with the currency's decimals. */
export const amountText = ({ minor, exponent }: Pick<Amount, 'minor' | 'exponent'>): string =>
  toDecimal(minor, exponent)

/** What a message wrote, before it is known of which currency it is. */
export const withoutCurrency = ({ units, scale }: Decimal): Amount => ({
  minor: units,
  exponent: scale,
  currency: '',
})

/**
 * An amount in the smallest unit of its currency.
 *
 * @returns what is wrong with it where it has more decimals than the currency, or is too large.
 */
export function ofCurrency({ minor, exponent }: Amount, currency: string): Amount | string {
  const decimals = decimalsOf(currency)
  if (exponent > decimals) {
    const most = decimals === 0 ? 'no decimals' : `at most ${decimals} decimals`
    return `is ${amountText({ minor, exponent })}; it must have ${most}, as ${currency} has`
  }
  const inMinor = inUnits({ units: minor, scale: exponent }, decimals)
  if (inMinor !== undefined) return { minor: inMinor, exponent: decimals, currency }
  const most = toDecimal(Number.MAX_SAFE_INTEGER, decimals)
  return `is ${amountText({ minor, exponent })}; it must be from -${most} to ${most} ${currency}`
}
