import type { DeadLetterCode } from '../etl/stream/types.ts'
import { encodeFields, encodeOrder, FIELDS, fieldTexts, type Field, type Order } from './shop.ts'
import type { Random } from './random.ts'

/** One way to break the message contract, and the code of the dead letter that it must become. */
export interface InvalidKind {
  readonly kind: string
  readonly expectedCode: DeadLetterCode
  /** Made of a valid order, so that nothing but this one rule is broken. */
  readonly make: (valid: Order, random: Random) => { readonly key: string; readonly value: Buffer | null }
}

type Change = (valid: Order, random: Random) => string
const DAY_MS = 86_400_000
const quoted = (text: string): string => `"${text}"`
const daysAfter = (order: Order, days: number): string => new Date(order.time + days * DAY_MS).toISOString()
const dayOf = (order: Order): string => daysAfter(order, 0).slice(0, 10)

/** What every field may not be that a message must have. */
const REQUIRED = { missing: undefined, null: 'null' }

/**
 * What each field may not be, as JSON text, or undefined where it may not be missing. Times are written in
 * relation to the order's, and far enough out of range that no setting of TRANSACTION_MAX_AGE_DAYS (at most
 * 36,500) and no hours spent in a producer that waits for Kafka bring them back in.
 */
const BAD_VALUES: Record<Field, Record<string, string | Change | undefined>> = {
  order_id: {
    ...REQUIRED,
    not_a_uuid: '"order-17"',
    short: (order) => quoted(order.orderId.slice(0, -1)),
    long: (order) => quoted(`${order.orderId}0`),
    number: '17',
  },
  amount: {
    ...REQUIRED,
    zero: '0',
    negative: '-12.50',
    three_decimals: '12.345',
    too_large: '10000000000',
    infinite: '1e400',
    string: '"12.50"',
    boolean: 'true',
  },
  currency: {
    ...REQUIRED,
    lower_case: (order) => quoted(order.currency.toLowerCase()),
    unknown: '"ZZZ"',
    two_letters: '"US"',
    empty: '""',
    number: '840',
  },
  timestamp: {
    ...REQUIRED,
    without_zone: (order) => quoted(daysAfter(order, 0).slice(0, -1)),
    without_time: (order) => quoted(dayOf(order)),
    // Of the year before, so that it would be within the age limit if it existed.
    february_30: (order) => quoted(`${new Date(order.time).getUTCFullYear() - 1}-02-30T12:00:00Z`),
    leap_second: (order) => quoted(`${dayOf(order)}T23:59:60Z`),
    hour_24: (order) => quoted(`${dayOf(order)}T24:00:00Z`),
    not_a_time: '"yesterday"',
    number: (order) => String(order.time),
  },
  customer_id: badText('c'),
  product_category: badText('k'),
}

function badText(letter: string): Record<string, string | undefined> {
  return {
    ...REQUIRED,
    empty: '""',
    of_51_characters: quoted(letter.repeat(51)),
    // 51 code points of two UTF-16 units each.
    of_51_emoji: quoted('🛒'.repeat(51)),
    with_nul: String.raw`"${letter}\u0000${letter}"`,
    with_lone_surrogate: String.raw`"${letter}\ud800"`,
    number: '17',
  }
}

/** Records that are no JSON in UTF-8, or none that holds an object. */
const BAD_BYTES: Record<string, [DeadLetterCode, (valid: Order, random: Random) => Buffer | null]> = {
  null_value: ['schema_violation', () => null],
  empty_value: ['malformed_json', () => Buffer.alloc(0)],
  blank: ['malformed_json', () => Buffer.from(' \n')],
  not_json: ['malformed_json', () => Buffer.from('order 17, twelve fifty')],
  truncated: [
    'malformed_json',
    (order, random) => {
      const whole = encodeOrder(order)
      return whole.subarray(0, random.between(1, whole.length - 1))
    },
  ],
  trailing_comma: [
    'malformed_json',
    (order) => Buffer.from(`${encodeOrder(order).toString().slice(0, -1)},}`),
  ],
  two_objects: ['malformed_json', (order) => Buffer.concat([encodeOrder(order), encodeOrder(order)])],
  nan_literal: ['malformed_json', (order) => withField(order, 'amount', 'NaN')],
  not_utf8: [
    'malformed_json',
    (order) => Buffer.from(withField(order, 'customer_id', '"Zoë"').toString(), 'latin1'),
  ],
  utf16: ['malformed_json', (order) => Buffer.from(encodeOrder(order).toString(), 'utf16le')],
  byte_order_mark: ['malformed_json', (order) => Buffer.concat([Buffer.from('\ufeff'), encodeOrder(order)])],
  array: ['schema_violation', (order) => Buffer.from(`[${encodeOrder(order).toString()}]`)],
  json_string: ['schema_violation', (order) => Buffer.from(JSON.stringify(encodeOrder(order).toString()))],
  json_number: ['schema_violation', () => Buffer.from('17')],
  json_null: ['schema_violation', () => Buffer.from('null')],
  // Of a field that occurs twice the last counts.
  second_amount_bad: [
    'schema_violation',
    (order) => Buffer.from(`${encodeOrder(order).toString().slice(0, -1)},"amount":-1}`),
  ],
}

/** The order's message with one field written as this JSON text, or left out. */
function withField(order: Order, field: Field, text: string | undefined): Buffer {
  const texts: Partial<Record<Field, string>> = fieldTexts(order)
  if (text === undefined) delete texts[field]
  else texts[field] = text
  return encodeFields(texts)
}

const changedField = (
  kind: string,
  expectedCode: DeadLetterCode,
  field: Field,
  change: string | Change | undefined,
): InvalidKind => ({
  kind,
  expectedCode,
  make: (valid, random) => ({
    key: valid.customerId,
    value: withField(valid, field, typeof change === 'function' ? change(valid, random) : change),
  }),
})

/** Every kind of record that the contract forbids; the tests of the ETL hold it against this table. */
export const INVALID_KINDS: readonly InvalidKind[] = [
  ...Object.entries(BAD_BYTES).map(([kind, [expectedCode, make]]): InvalidKind => ({
    kind,
    expectedCode,
    make: (valid, random) => ({ key: valid.customerId, value: make(valid, random) }),
  })),
  ...FIELDS.flatMap((field) =>
    Object.entries(BAD_VALUES[field]).map(([what, change]) =>
      changedField(`${field}_${what}`, 'schema_violation', field, change),
    ),
  ),
  changedField('timestamp_too_old', 'timestamp_out_of_range', 'timestamp', (order, random) =>
    quoted(daysAfter(order, -36_501 - random.between(0, 30))),
  ),
  changedField('timestamp_in_the_future', 'timestamp_out_of_range', 'timestamp', (order, random) =>
    quoted(daysAfter(order, random.between(3, 30))),
  ),
]
