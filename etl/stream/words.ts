import { z } from 'zod'
import {
  boolean,
  bigint,
  numeric,
  smallint,
  text as textColumn,
  uuid as uuidColumn,
} from '../postgres/drizzle.ts'
import { bools, hundredths, int4s, int8s, texts, timestamps, uuids } from '../postgres/binary-arrays.ts'
import { instant as instantColumn, keyText } from '../schema/columns.ts'
import { excerpt } from '../text/excerpt.ts'
import { CURRENCY_CODES } from './currency-codes.ts'
import { Field, type Draw, type FieldOptions, type Kind, type KindName } from './field.ts'
import { centsToDecimal } from './money.ts'
import { parseRfc3339, RFC3339_FORM } from './rfc3339.ts'

/**
 * The words of a declaration. Each is a function that makes a field; what it takes, stores and gives to
 * `derive` stands at the word. Every one has `.optional()` and `.default(value)`, and the option `column`.
 */

/** The error of a rule, made when a value breaks it and never before: the good record is the fast one. */
function must(accepted: string) {
  return { error: (issue: { readonly input?: unknown }) => broken(issue.input, accepted) }
}

function broken(value: unknown, accepted: string): string {
  return `is ${excerpt(value)}; it must be ${accepted}`
}

const quoted = (value: string): string => JSON.stringify(value)
const hex = (draw: Draw, digits: number): string =>
  Array.from({ length: digits }, () => draw.between(0, 15).toString(16)).join('')

/** At high rates many records share a millisecond, and the text of a date is dear: keep the last one. */
let lastMs = Number.NaN
let lastText = ''
function writeInstant(micros: number): string {
  const ms = Math.floor(micros / 1_000)
  if (ms !== lastMs) {
    lastText = new Date(ms).toISOString().slice(0, -1)
    lastMs = ms
  }
  const rest = micros - ms * 1_000
  return `"${lastText}${rest === 0 ? '' : String(rest).padStart(3, '0')}Z"`
}

const same = <T>(a: T, b: T): boolean => a === b
const asItIs = (column: string): string => column
const make =
  <T, Name extends KindName>(kind: Kind<T, Name>) =>
  (options?: FieldOptions): Field<T, Name> =>
    new Field<T, Name>(kind as Kind<NonNullable<T>, Name>, options)

/** RFC 9562 section 4: 8-4-4-4-12 hex digits, any version and variant, the nil and max UUID too. */
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/**
 * A UUID of any version in any case. In code a lower-case string; a column `uuid`.
 *
 * @example order_id: uuid()
 */
export const uuid = make<string, 'uuid'>({
  name: 'uuid',
  refuses: {
    not_a_uuid: '"order-17"',
    short: '"3f2b8c1e-9a4d-4e6b-8f10-2c5d7a9b1e3"',
    long: '"3f2b8c1e-9a4d-4e6b-8f10-2c5d7a9b1e340"',
    number: '17',
  },
  sample: (draw) =>
    hex(draw, 8) + '-' + hex(draw, 4) + '-4' + hex(draw, 3) + '-8' + hex(draw, 3) + '-' + hex(draw, 12),
  write: quoted,
  wire: z
    .string(must('a UUID in a string'))
    .regex(UUID, must('a UUID such as 3f2b8c1e-9a4d-4e6b-8f10-2c5d7a9b1e34'))
    .toLowerCase(),
  column: uuidColumn,
  element: 'uuid',
  encode: uuids,
  read: asItIs,
  equal: same,
  show: asItIs,
  toColumn: asItIs,
})

/**
 * Text of 1 to `length` code points, well-formed Unicode without NUL. In code a string; a column `varchar`,
 * compared by code point.
 *
 * @param length 1 to 10,000 code points.
 * @example customer_id: text(50)
 */
export const text = (length: number, options?: FieldOptions): Field<string, 'text'> =>
  make<string, 'text'>({
    name: 'text',
    refuses: {
      empty: '""',
      [`of_${length + 1}_characters`]: quoted('x'.repeat(length + 1)),
      // Code points of two UTF-16 units each.
      [`of_${length + 1}_emoji`]: quoted('🛒'.repeat(length + 1)),
      with_nul: String.raw`"a\u0000b"`,
      with_lone_surrogate: String.raw`"a\ud800"`,
      number: '17',
    },
    sample: (draw) => `sample ${draw.between(1, 999)}`.slice(-length),
    write: quoted,
    wire: z
      .string(must(`a string of 1 to ${length} characters`))
      .refine((value) => hasLength(value, length), {
        error: ({ input }) =>
          `is ${excerpt(input)}, ${codePoints(String(input))} characters; it must have 1 to ${length}`,
      })
      .refine((value) => value.isWellFormed(), must('Unicode without lone surrogates'))
      .refine((value) => !value.includes('\0'), must('without NUL characters')),
    column: (name) => keyText(name, { length }),
    element: 'text',
    encode: texts,
    read: asItIs,
    equal: same,
    show: quoted,
    toColumn: asItIs,
  })(options)

function hasLength(value: string, length: number): boolean {
  if (value.length <= length) return value.length > 0
  return value.length <= length * 2 && codePoints(value) <= length
}

function codePoints(value: string): number {
  let count = 0
  for (const _ of value) count++
  return count
}

/**
 * One of a list of texts, written exactly so. In code the union of them; a column `varchar` as long as the longest.
 *
 * @param values at least one, of 1 to 100 characters each.
 * @example channel: oneOf(['web', 'store'])
 */
export function oneOf<const Values extends readonly [string, ...string[]]>(
  values: Values,
  options?: FieldOptions,
): Field<Values[number], 'oneOf'> {
  return make<Values[number], 'oneOf'>({
    name: 'oneOf',
    refuses: { empty: '""', unknown: quoted(`${values[0]}?`), number: '17' },
    sample: (draw) => draw.pick(values),
    write: quoted,
    wire: z.enum(values, must(`one of ${values.join(', ')}`)),
    column: (name) => keyText(name, { length: Math.max(...values.map(({ length }) => length)) }),
    element: 'text',
    encode: texts,
    read: asItIs,
    equal: same,
    show: quoted,
    toColumn: asItIs,
  })(options)
}

/**
 * An upper-case ISO 4217 code, of the list in currency-codes.ts. In code a string; a column `varchar(3)`.
 *
 * @example currency: currencyCode()
 */
export const currencyCode = make<string, 'currencyCode'>({
  name: 'currencyCode',
  refuses: { lower_case: '"eur"', unknown: '"ZZZ"', two_letters: '"US"', empty: '""', number: '840' },
  sample: (draw) => draw.pick(['EUR', 'USD', 'GBP']),
  write: quoted,
  wire: z
    .string(must('an ISO 4217 code in a string'))
    .refine((code) => CURRENCY_CODES.has(code), must('an upper-case ISO 4217 code such as EUR')),
  column: (name) => keyText(name, { length: 3 }),
  element: 'text',
  encode: texts,
  read: asItIs,
  equal: same,
  show: asItIs,
  toColumn: asItIs,
})

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
      .refine(Number.isSafeInteger, must('a whole number'))
      .refine((value) => value >= min && value <= max, must(`from ${min} to ${max}`))
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
 * A date and time with its zone, as RFC 3339 writes it. In code microseconds since the epoch, UTC; a column
 * `timestamptz`.
 *
 * @example timestamp: instant({ column: 'transaction_timestamp' })
 */
export const instant = make<number, 'instant'>({
  name: 'instant',
  refuses: {
    without_zone: '"2026-11-21T12:00:00"',
    without_time: '"2026-11-21"',
    february_30: '"2026-02-30T12:00:00Z"',
    leap_second: '"2026-06-30T23:59:60Z"',
    hour_24: '"2026-11-21T24:00:00Z"',
    not_a_time: '"yesterday"',
    number: '1795262400000',
  },
  sample: (draw, nowMs) => (nowMs - draw.between(0, 3_600_000)) * 1_000,
  write: writeInstant,
  wire: z.string(must(RFC3339_FORM)).transform((value, context) => {
    const micros = parseRfc3339(value)
    if (micros !== undefined) return micros
    context.addIssue({ code: 'custom', input: value, message: broken(value, RFC3339_FORM) })
    return z.NEVER
  }),
  column: instantColumn,
  element: 'timestamptz',
  encode: timestamps,
  read: (column) => `(extract(epoch from ${column}) * 1000000)::bigint`,
  equal: same,
  show: (micros) => new Date(micros / 1_000).toISOString(),
  toColumn: (micros) => new Date(micros / 1_000),
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
 * A list of texts. In code an array of strings; a column `text[]`.
 *
 * @param item a word for its elements.
 * @example fraud_reasons: list(text(200))
 */
export const list = (item: Field<string, 'text'>, options?: FieldOptions): Field<readonly string[], 'list'> =>
  make<readonly string[], 'list'>({
    name: 'list',
    refuses: {
      no_list: '"a"',
      ...Object.fromEntries(
        Object.entries(item.kind.refuses).map(([what, bad]) => [`with_${what}`, `[${bad}]`]),
      ),
    },
    sample: (draw, nowMs) => Array.from({ length: draw.between(0, 3) }, () => item.kind.sample(draw, nowMs)),
    write: (value) => JSON.stringify(value),
    wire: z.array(item.kind.wire, must('a list')),
    column: (name) => textColumn(name).array(),
    element: 'text',
    cast: 'text[]',
    encode: (values) => texts(values.map((value) => value && textArrayLiteral(value))),
    read: asItIs,
    equal: (a, b) => a.length === b.length && a.every((value, i) => value === b[i]),
    show: (value) => JSON.stringify(value),
    toColumn: (value) => value,
  })(options)

/** One row's array, in an array of them. */
function textArrayLiteral(values: readonly string[]): string {
  return values.length === 0
    ? '{}'
    : `{${values.map((value) => `"${value.replaceAll(/["\\]/g, '\\$&')}"`).join(',')}}`
}

/**
 * Of rollups and figures: how many facts.
 *
 * @param options `where`: only those that have this flag.
 */
export function count(): { readonly measure: 'count' }
export function count<const Flag extends string>(options: {
  readonly where: Flag
}): { readonly measure: 'count'; readonly where: Flag }
export function count(options = {}) {
  return { measure: 'count', ...options }
}

/**
 * Of rollups and figures: the sum of a field that is money or a whole number. Exact, however large.
 *
 * @param options `where`: only of facts that have this flag.
 */
export function sum<const Name extends string>(field: Name): { readonly measure: 'sum'; readonly field: Name }
export function sum<const Name extends string, const Flag extends string>(
  field: Name,
  options: { readonly where: Flag },
): { readonly measure: 'sum'; readonly field: Name; readonly where: Flag }
export function sum(field: string, options = {}) {
  return { measure: 'sum', field, ...options }
}
