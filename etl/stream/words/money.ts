import { z } from 'zod'
import { amounts, hundredths } from '../../postgres/binary-arrays.ts'
import { numeric } from '../../postgres/drizzle.ts'
import { AMOUNT_SCALE, amountText, sameAmount, withoutCurrency, type Amount } from '../amount.ts'
import { Field, type FieldOptions, type Kind } from '../field.ts'
import { ExactNumber, excerptOf } from '../json.ts'
import { centsToDecimal, inUnits, readDecimal, type Decimal } from '../money.ts'
import { broken, DECIMAL_PATTERN, must, same } from './making.ts'

/** The first amount that numeric(12,2) doesn't hold. */
const AMOUNT_LIMIT = 10_000_000_000

interface MoneyOptions {
  /** Decimal strings are read too, "12.50", and never through a double. */
  readonly text?: boolean
  /** The least that is accepted, a whole number of the currency: −10_000 for refunds, 0 for what may be free. More than 0 unless told. */
  readonly min?: number
}

type OfNoCurrency<Personal extends boolean> = FieldOptions<Personal> &
  MoneyOptions & {
    readonly of?: never
    /** Of the column in all, two of them decimals; 12 unless told, for sums of amounts more. */
    readonly digits?: number
  }
type OfCurrency<Of extends string, Personal extends boolean> = FieldOptions<Personal> &
  MoneyOptions & {
    /** The field that says the currency. */
    readonly of: Of
    readonly digits?: never
  }

/**
 * An amount: a JSON number above 0 and below 10^10 with at most two decimals, whatever the currency. In code whole
 * hundredths, an integer that is exact; a column `numeric(12, 2)`.
 *
 * With `of`, an amount with the currency's own decimals (none of JPY, three of KWD), to 15 digits before the point
 * and 2^53 of its smallest unit. In code an `Amount`, for which `etl/stream/amount.ts` has the arithmetic; a column
 * `numeric(19, 4)`. A rollup that sums it has that field in its `by`.
 *
 * @throws RangeError where `min` is no whole number.
 * @example amount: money()
 * @example paid: money({ text: true, min: -10_000 })
 * @example price: money({ of: 'currency' })
 */
export function money<Personal extends boolean = false>(
  options?: OfNoCurrency<Personal>,
): Field<number, 'money', NoInfer<Personal>>
export function money<const Of extends string, Personal extends boolean = false>(
  options: OfCurrency<Of, Personal>,
): Field<Amount<Of>, 'moneyOf', NoInfer<Personal>>
export function money(
  options: OfNoCurrency<boolean> | OfCurrency<string, boolean> = {},
): Field<number, 'money'> | Field<Amount, 'moneyOf'> {
  const { of, digits = 12, text = false, min, ...others } = options
  if (min !== undefined && !Number.isSafeInteger(min))
    throw new RangeError(`money({ min: ${min} }): min must be a whole number of the currency`)
  return of === undefined
    ? new Field(hundredthsOf({ digits, text, min }), others)
    : new Field(amountOf({ of, text, min }), others)
}

interface Money {
  readonly text: boolean
  readonly min: number | undefined
}

const inWords = ({ min }: Money): string => (min === undefined ? 'above 0' : `of at least ${min}`)
const orText = ({ text }: Money): string => (text ? 'a JSON number or a decimal string' : 'a JSON number')

/** The bounds and forms of it in JSON Schema. Not `multipleOf`: validators that divide doubles refuse 1.15 by it. */
const schemaOf = (rules: Money, decimals: number, description: string) => ({
  ...(rules.text ? { type: ['number', 'string'], pattern: DECIMAL_PATTERN } : { type: 'number' }),
  ...(rules.min === undefined ? { exclusiveMinimum: 0 } : { minimum: rules.min }),
  'x-decimals': decimals,
  description,
})

/** What a text is refused for, beside what a number is. */
const badTexts = ({ text }: Money): Readonly<Record<string, string>> =>
  text
    ? { no_number: '"twelve"', empty: '""', exponent: '"1e1"', comma: '"12,50"', with_code: '"12.50 EUR"' }
    : { string: '"12.50"' }

const tooSmall = ({ min }: Money): Readonly<Record<string, string>> =>
  min === undefined ? { zero: '0', negative: '-12.50' } : { too_small: String(min - 1) }

/** @param unit how many of `value` are 1. */
const isEnough = (value: number, unit: number, min: number | undefined): boolean =>
  min === undefined ? value > 0 : value >= min * unit

const checkOf = ({ min }: Money): NonNullable<Kind<unknown>['check']> => ({
  suffix: 'positive',
  ofMessages: true,
  condition: (column) => `${column} > 0`,
  ...(min !== undefined && { suffix: 'min', condition: (column) => `${column} >= ${min}` }),
})

/** @param least where nothing less is said. */
const markerOf = ({ min }: Money, least: string): string =>
  min === undefined ? least : String(Math.max(min, 0))

function hundredthsOf(rules: Money & { readonly digits: number }): Kind<number, 'money'> {
  const { digits, text, min } = rules
  const accepted = `${orText(rules)} ${inWords(rules)} and below ${AMOUNT_LIMIT}, with at most 2 decimals`
  return {
    name: 'money',
    schema: { ...schemaOf(rules, 2, accepted), exclusiveMaximum: AMOUNT_LIMIT },
    inCode: 'hundredths, a whole number',
    refuses: {
      ...tooSmall(rules),
      three_decimals: '12.345',
      too_large: '10000000000',
      infinite: '1e400',
      ...badTexts(rules),
      boolean: 'true',
    },
    sample: (draw) => draw.between(1, 500_00),
    write: centsToDecimal,
    wire: text || min !== undefined ? wireOfEither(rules, accepted) : NUMBER_WIRE,
    column: (name) => numeric(name, { precision: digits, scale: 2 }),
    element: 'numeric',
    encode: hundredths,
    read: (column) => `(${column} * 100)::bigint`,
    equal: same,
    show: centsToDecimal,
    toColumn: centsToDecimal,
    marker: markerOf(rules, '0.01'),
    check: checkOf(rules),
  }
}

/** What `money()` has always taken. */
const NUMBER_WIRE = z
  .number({
    error: ({ input }) =>
      broken(input, typeof input === 'number' ? `between 0 and ${AMOUNT_LIMIT}` : 'a JSON number'),
  })
  .gt(0, must('more than 0'))
  .lt(AMOUNT_LIMIT, must(`less than ${AMOUNT_LIMIT}`))
  .refine(hasWholeCents, must('a number with at most 2 decimals'))
  .transform(toCents)

const wireOfEither = ({ text, min }: Money, accepted: string) =>
  z.unknown().transform((value, context): number => {
    const cents = typeof value === 'number' ? centsOf(value) : text ? centsOfText(value) : undefined
    if (cents !== undefined && Math.abs(cents) < AMOUNT_LIMIT * 100 && isEnough(cents, 100, min))
      return cents + 0 // −0 is 0
    context.addIssue({ code: 'custom', input: value, message: broken(value, accepted) })
    return z.NEVER
  })

const centsOf = (value: number): number | undefined =>
  Math.abs(value) < AMOUNT_LIMIT && hasWholeCents(value) ? toCents(value) : undefined

function centsOfText(value: unknown): number | undefined {
  const read = typeof value === 'string' ? readDecimal(value, 'plain') : 'no decimal'
  return typeof read === 'string' ? undefined : inUnits(read, 2)
}

/**
 * Whether a parsed number has at most two decimals. The double that is nearest to n hundredths is what
 * dividing n by 100 gives, so a number that differs from that was written with more digits (or so many
 * that the double doesn't show them: 100.00000000000000001 is 100).
 */
function hasWholeCents(amount: number): boolean {
  return Math.abs(amount) >= AMOUNT_LIMIT || toCents(amount) / 100 === amount
}

/** Rounding takes back what multiplying loses: 1.15 × 100 is 114.99999999999999. */
function toCents(amount: number): number {
  return Math.round(amount * 100)
}

/** The first amount that numeric(19,4) doesn't hold. */
const LARGEST = 10 ** 15

function amountOf(rules: Money & { readonly of: string }): Kind<Amount, 'moneyOf'> {
  const accepted = `${orText(rules)} ${inWords(rules)}, with the decimals of its currency and at most 15 digits before the point`
  return {
    name: 'moneyOf',
    of: rules.of,
    isExact: true,
    schema: {
      ...schemaOf(rules, AMOUNT_SCALE, `${accepted}; its currency is ${rules.of}`),
      exclusiveMaximum: LARGEST,
      'x-currency': rules.of,
    },
    inCode: 'an Amount: minor units, exponent and currency',
    refuses: {
      ...tooSmall(rules),
      five_decimals: '12.34567',
      too_large: '1000000000000000',
      beyond_exact: '12345678901234567890.12',
      infinite: '1e400',
      ...badTexts(rules),
      boolean: 'true',
    },
    // Whole, which every currency has.
    sample: (draw) => withoutCurrency({ units: draw.between(1, 500), scale: 0 }),
    write: amountText,
    wire: z.unknown().transform((value, context): Amount => {
      const read = decimalOf(value, rules)
      const holds =
        read !== undefined &&
        read.scale <= AMOUNT_SCALE &&
        Math.abs(read.units) < LARGEST * 10 ** read.scale &&
        isEnough(read.units, 10 ** read.scale, rules.min)
      if (holds) return withoutCurrency(read)
      const message = `is ${excerptOf(value)}; it must be ${accepted}`
      context.addIssue({ code: 'custom', input: value, message })
      return z.NEVER
    }),
    column: (name) => numeric(name, { precision: 19, scale: AMOUNT_SCALE }),
    element: 'numeric',
    encode: amounts,
    // Without zeros at the end, so that as many digits are left as a message can have.
    read: (column, currency = 'null') =>
      `case when ${column} is not null then json_build_object('minor', replace(trim_scale(${column})::text, '.', '')::bigint,
         'exponent', scale(trim_scale(${column})), 'currency', ${currency}) end`,
    equal: sameAmount,
    show: amountText,
    toColumn: amountText,
    marker: markerOf(rules, '1'),
    check: checkOf(rules),
  }
}

/**
 * Of a number of at most 15 digits the shortest text that reads back as it is what was written. One of more
 * that is no ExactNumber may have been another.
 */
function decimalOf(value: unknown, { text }: Money): Decimal | undefined {
  let read: ReturnType<typeof readDecimal> = 'no decimal'
  if (value instanceof ExactNumber) read = readDecimal(value.source, 'number')
  else if (typeof value === 'number') read = readDecimal(String(value), 'number')
  else if (text && typeof value === 'string') read = readDecimal(value, 'plain')
  if (typeof read === 'string') return undefined
  return typeof value === 'number' && Math.abs(read.units) >= 10 ** 15 ? undefined : read
}
