import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { texts, uuids } from '../../postgres/binary-arrays.ts'
import { text as textColumn, uuid as uuidColumn } from '../../postgres/drizzle.ts'
import { json as jsonColumn, keyText } from '../../schema/columns.ts'
import { excerpt } from '../../text/excerpt.ts'
import { CURRENCY_CODES } from '../currency-codes.ts'
import type { Draw, Field, FieldOptions } from '../field.ts'
import { asItIs, make, must, quoted, same } from './making.ts'

const hex = (draw: Draw, digits: number): string =>
  Array.from({ length: digits }, () => draw.between(0, 15).toString(16)).join('')

/** Cut to the column's length where that is shorter. */
const FORGOTTEN = 'forgotten'

/** RFC 9562 section 4: 8-4-4-4-12 hex digits, any version and variant, the nil and max UUID too. */
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/**
 * A UUID of any version in any case. In code a lower-case string; a column `uuid`.
 *
 * @example order_id: uuid()
 */
export const uuid = make<string, 'uuid'>({
  name: 'uuid',
  schema: {
    type: 'string',
    pattern: '^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$',
    description: 'a UUID of any version, in any case',
  },
  inCode: 'a string in lower case',
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
  marker: '00000000-0000-0000-0000-000000000000',
})

/**
 * Text of 1 to `length` code points, well-formed Unicode without NUL. In code a string; a column `varchar`,
 * compared by code point.
 *
 * @param length 1 to 10,000 code points.
 * @example customer_id: text(50)
 */
export const text = <Personal extends boolean = false>(length: number, options?: FieldOptions<Personal>) =>
  make<string, 'text'>({
    name: 'text',
    schema: {
      type: 'string',
      minLength: 1,
      maxLength: length,
      pattern: String.raw`^[^\u0000]*$`,
      description: `text of 1 to ${length} characters, without NUL or lone surrogates`,
    },
    inCode: 'a string',
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
    marker: FORGOTTEN,
  })<Personal>(options)

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
export function oneOf<const Values extends readonly [string, ...string[]], Personal extends boolean = false>(
  values: Values,
  options?: FieldOptions<Personal>,
): Field<Values[number], 'oneOf', NoInfer<Personal>> {
  return make<Values[number], 'oneOf'>({
    name: 'oneOf',
    schema: { enum: values, description: `one of ${values.join(', ')}` },
    inCode: 'one of these strings',
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
    marker: FORGOTTEN,
  })<Personal>(options)
}

/**
 * An upper-case ISO 4217 code, of the list in currency-codes.ts. In code a string; a column `varchar(3)`.
 *
 * @example currency: currencyCode()
 */
export const currencyCode = make<string, 'currencyCode'>({
  name: 'currencyCode',
  schema: {
    type: 'string',
    pattern: '^[A-Z]{3}$',
    description: 'an upper-case ISO 4217 code, of the list in etl/stream/currency-codes.ts',
  },
  inCode: 'a string',
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
  // ISO 4217's own code for no currency.
  marker: 'XXX',
})

/**
 * A list of texts. In code an array of strings; a column `text[]`.
 *
 * @param item a word for its elements.
 * @example fraud_reasons: list(text(200))
 */
export const list = <Personal extends boolean = false>(
  item: Field<string, 'text', false>,
  options?: FieldOptions<Personal>,
) =>
  make<readonly string[], 'list'>({
    name: 'list',
    schema: {
      type: 'array',
      items: item.kind.schema,
      description: `a list, each of it ${item.kind.schema.description}`,
    },
    inCode: 'an array of strings',
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
    marker: '{}',
  })<Personal>(options)

/** One row's array, in an array of them. */
function textArrayLiteral(values: readonly string[]): string {
  return values.length === 0
    ? '{}'
    : `{${values.map((value) => `"${value.replaceAll(/["\\]/g, '\\$&')}"`).join(',')}}`
}

/**
 * Any JSON value but null, of bounded size. In code as parsed; a column `jsonb`, so the order of names and the form of numbers
 * tell nothing apart.
 *
 * @param options `maxBytes` as JSON text, 1 to 1,000,000.
 * @example properties: json({ maxBytes: 4_096 })
 */
export const json = <Personal extends boolean = false>({
  maxBytes,
  ...options
}: FieldOptions<Personal> & { readonly maxBytes: number }) =>
  make<unknown, 'json'>({
    name: 'json',
    schema: {
      not: { type: 'null' },
      'x-maxBytes': maxBytes,
      description: `any JSON value but null, of at most ${maxBytes} bytes, without NUL or lone surrogates`,
    },
    inCode: 'as JSON.parse has it',
    refuses: {
      too_large: quoted('x'.repeat(maxBytes)),
      with_nul: String.raw`"a\u0000b"`,
      with_lone_surrogate: String.raw`{"a":"\ud800"}`,
    },
    sample: (draw) => ({ n: draw.between(0, 99) }),
    write: (value) => JSON.stringify(value),
    wire: z
      .unknown()
      .refine((value) => value !== undefined && value !== null, must('a JSON value'))
      .refine((value) => isStorable(value, maxBytes), {
        error: ({ input }) =>
          `is ${excerpt(input)}; it must be a JSON value of at most ${maxBytes} bytes, without NUL or lone surrogates`,
      }),
    column: jsonColumn,
    element: 'text',
    cast: 'jsonb',
    encode: (values) => texts(values.map((value) => (value === null ? null : JSON.stringify(value)))),
    read: asItIs,
    equal: isDeepStrictEqual,
    show: (value) => JSON.stringify(value),
    toColumn: (value) => value,
    marker: '{}',
  })<Personal>(options)

/** JSON.stringify writes a NUL and a lone surrogate as an escape, and a backslash before such text twice. */
function isStorable(value: unknown, maxBytes: number): boolean {
  if (value === undefined || value === null) return true // said already
  const written = JSON.stringify(value)
  return Buffer.byteLength(written) <= maxBytes && !/(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f]..)/.test(written)
}
