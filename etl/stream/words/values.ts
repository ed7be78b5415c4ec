import { z } from 'zod'
import { bools, hundredths, int4s, int8s, texts } from '../../postgres/binary-arrays.ts'
import { bigint, boolean, numeric, smallint } from '../../postgres/drizzle.ts'
import type { FieldOptions } from '../field.ts'
import { centsToDecimal } from '../money.ts'
import { asItIs, broken, make, must, quoted, same } from './making.ts'

/** The first amount that numeric(12,2) doesn't hold. */
const AMOUNT_LIMIT = 10_000_000_000

/**
 * An amount: a JSON number above 0 and below 10^10 with at most two decimals, whatever the currency. In code whole
 * hundredths, an integer that is exact; a column `numeric(12, 2)`.
 *
 * @param options `digits`: of the column in all, two of them decimals; 12 unless told, for sums of amounts more.
 * @example amount: money()
 */
export const money = ({ digits = 12, ...options }: FieldOptions & { readonly digits?: number } = {}) =>
  make<number, 'money'>({
    name: 'money',
    refuses: {
      zero: '0',
      negative: '-12.50',
      three_decimals: '12.345',
      too_large: '10000000000',
      infinite: '1e400',
      string: '"12.50"',
      boolean: 'true',
    },
    sample: (draw) => draw.between(1, 500_00),
    write: centsToDecimal,
    wire: z
      .number({
        error: ({ input }) =>
          broken(input, typeof input === 'number' ? `between 0 and ${AMOUNT_LIMIT}` : 'a JSON number'),
      })
      .gt(0, must('more than 0'))
      .lt(AMOUNT_LIMIT, must(`less than ${AMOUNT_LIMIT}`))
      .refine(hasWholeCents, must('a number with at most 2 decimals'))
      .transform(toCents),
    column: (name) => numeric(name, { precision: digits, scale: 2 }),
    element: 'numeric',
    encode: hundredths,
    read: (column) => `(${column} * 100)::bigint`,
    equal: same,
    show: centsToDecimal,
    toColumn: centsToDecimal,
    check: { suffix: 'positive', ofMessages: true, condition: (column) => `${column} > 0` },
  })(options)

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

/**
 * A decimal of a fixed number of decimals, written as a JSON number of at most 15 digits or as a string of any. In code
 * the string with all its decimals, "12.50"; a column `numeric`.
 *
 * @param options `digits` in all, 1 to 100, `scale` of them after the point.
 * @example rate: decimal({ digits: 9, scale: 6 })
 */
export const decimal = ({
  digits,
  scale,
  ...options
}: FieldOptions & { readonly digits: number; readonly scale: number }) => {
  const accepted = `a number with at most ${digits - scale} digits before the point and ${scale} after it`
  return make<string, 'decimal'>({
    name: 'decimal',
    refuses: {
      text: '"twelve"',
      empty: '""',
      exponent: '"1e3"',
      too_many_decimals: `"0.${'1'.repeat(scale + 1)}"`,
      too_large: `"1${'0'.repeat(digits - scale)}"`,
      boolean: 'true',
    },
    sample: (draw) => fixed(String(draw.between(0, 10 ** Math.min(digits - scale, 4) - 1)), scale)!,
    write: quoted,
    wire: z
      .union(
        [z.string(), z.number().refine((value) => String(value).replace(/\D/g, '').length <= 15)],
        must(accepted),
      )
      .transform((value, context) => {
        const text = fixed(String(value), scale)
        if (text !== undefined && text.replace(/^-?0*/, '').split('.')[0]!.length <= digits - scale)
          return text
        context.addIssue({ code: 'custom', input: value, message: broken(value, accepted) })
        return z.NEVER
      }),
    column: (name) => numeric(name, { precision: digits, scale }),
    element: 'text',
    cast: 'numeric',
    encode: texts,
    read: (column) => `${column}::text`,
    equal: same,
    show: asItIs,
    toColumn: asItIs,
  })(options)
}

/** A decimal with so many decimals, as Postgres writes it; undefined for what is none, or has more. */
function fixed(text: string, scale: number): string | undefined {
  const match = /^(-?)0*(\d+)(?:\.(\d*?)0*)?$/.exec(text)
  const [, sign, whole, decimals = ''] = match ?? []
  if (whole === undefined || decimals.length > scale) return undefined
  const value = scale === 0 ? whole : `${whole}.${decimals.padEnd(scale, '0')}`
  return sign === '-' && /[1-9]/.test(value) ? `-${value}` : value
}

/**
 * A whole JSON number that a double holds exactly. In code a number; a column `bigint`.
 *
 * @param options `min`, `max`: what is accepted, both included; ±(2^53 − 1) unless told.
 * @example quantity: int({ min: 1, max: 10_000 })
 */
export const int = ({
  min = Number.MIN_SAFE_INTEGER,
  max = Number.MAX_SAFE_INTEGER,
  ...options
}: FieldOptions & { readonly min?: number; readonly max?: number } = {}) =>
  make<number, 'int'>({
    name: 'int',
    refuses: {
      fraction: '1.5',
      string: '"17"',
      boolean: 'true',
      ...(max < Number.MAX_SAFE_INTEGER && { too_large: String(max + 1) }),
      ...(min > Number.MIN_SAFE_INTEGER && { too_small: String(min - 1) }),
      not_exact: '9007199254740993',
    },
    sample: (draw) => draw.between(Math.max(min, 0), Math.min(max, Math.max(min, 0) + 1_000)),
    write: String,
    wire: z
      .number(must('a whole JSON number'))
      .refine(
        (value) => Number.isSafeInteger(value) && value >= min && value <= max,
        must(`a whole number from ${min} to ${max}`),
      )
      // −0 is 0, or two records that say the same would differ.
      .transform((value) => value + 0),
    column: (name) => bigint(name, { mode: 'number' }),
    element: 'int8',
    encode: int8s,
    read: asItIs,
    equal: same,
    show: String,
    toColumn: (value) => value,
  })(options)

/**
 * A whole number from 0 to 100. In code a number; a column `smallint`.
 *
 * @example fraud_score: percent()
 */
export const percent = make<number, 'percent'>({
  name: 'percent',
  refuses: { above: '101', below: '-1', fraction: '1.5', string: '"50"' },
  sample: (draw) => draw.between(0, 100),
  write: String,
  wire: z
    .number(must('a whole JSON number'))
    .refine(
      (value) => Number.isInteger(value) && value >= 0 && value <= 100,
      must('a whole number from 0 to 100'),
    )
    .transform((value) => value + 0),
  column: smallint,
  element: 'int4',
  encode: int4s,
  read: asItIs,
  equal: same,
  show: String,
  toColumn: (value) => value,
  check: { condition: (column) => `${column} between 0 and 100` },
})

/**
 * True or false. In code a boolean; a column `boolean`.
 *
 * @example is_gift: flag()
 */
export const flag = make<boolean, 'flag'>({
  name: 'flag',
  refuses: { number: '1', string: '"true"' },
  sample: (draw) => draw.chance(0.5),
  write: String,
  wire: z.boolean(must('true or false')),
  column: boolean,
  element: 'bool',
  encode: bools,
  read: asItIs,
  equal: same,
  show: String,
  toColumn: (value) => value,
})
