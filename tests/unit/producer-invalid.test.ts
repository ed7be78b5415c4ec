import { describe, expect, test } from 'vitest'
import { INVALID_KINDS } from '../../producer/invalid.ts'
import { decimal, encodeOrder, FIELDS, type Order } from '../../producer/shop.ts'
import { createRandom } from '../../producer/random.ts'
import { DEAD_LETTER_CODES } from '../../etl/schema/audit.ts'
import { stream } from '../support/stream.ts'

const HOUR_MS = 3_600_000
const order = (time: number): Order => ({
  orderId: '017f22e2-79b0-7cc3-98c4-dc0c0c07398f',
  amountCents: 12_05,
  currency: 'EUR',
  time,
  customerId: 'cust-00017',
  category: 'books',
})

/** Awkward days: a leap day, the first and the last moment of a year. */
const TIMES = [
  Date.UTC(2028, 1, 29, 12),
  Date.UTC(2026, 0, 1),
  Date.UTC(2026, 11, 31, 23, 59, 59, 999),
  Date.UTC(2026, 10, 21, 12),
]

function outcome(value: Buffer | null, timestamp: number, maxAgeDays = 1_095) {
  return stream.validate({ offset: 0, timestamp, key: null, value, headers: [] }, maxAgeDays)
}

test('the order that they are made of keeps the contract', () => {
  for (const time of TIMES) expect(outcome(encodeOrder(order(time)), time)).toHaveProperty('row')
})

describe.each(INVALID_KINDS)('$kind', ({ kind, expectedCode, make }) => {
  test(`becomes a dead letter with ${expectedCode}`, () => {
    const random = createRandom(1)
    for (const time of TIMES) {
      for (let n = 0; n < 20; n++) {
        const { key, value } = make(order(time), random)
        expect(key).toBe('cust-00017')
        expect(outcome(value, time)).toMatchObject({ code: expectedCode })
      }
    }
  })

  test('is so also with the longest age that may be configured, and after an hour on the way', () => {
    const time = TIMES[3]!
    const { value } = make(order(time), createRandom(1))
    expect(outcome(value, time + HOUR_MS, 36_500)).toMatchObject({ code: expectedCode })
  })

  test('breaks no other rule', () => {
    const time = TIMES[3]!
    const broken = outcome(make(order(time), createRandom(1)).value, time)
    const issues = 'code' in broken ? broken.issues : []
    expect(issues).toHaveLength(1)
    const field = FIELDS.find((name) => kind.startsWith(`${name}_`)) ?? issues[0]!.field
    expect(issues[0]!.field).toBe(field)
  })
})

describe('the table', () => {
  test('names each kind once', () => {
    const names = INVALID_KINDS.map(({ kind }) => kind)
    expect(new Set(names).size).toBe(names.length)
  })

  test('has a kind for each code that a record alone can earn', () => {
    // The others need another record, the warehouse, or bytes that Kafka's own format doesn't allow.
    const others = ['conflicting_duplicate', 'rejected_by_warehouse', 'undecodable']
    expect(new Set(INVALID_KINDS.map(({ expectedCode }) => expectedCode))).toEqual(
      new Set(DEAD_LETTER_CODES.filter((code) => !others.includes(code))),
    )
  })

  test.each(FIELDS)('has kinds for a missing, an empty and a bad %s', (field) => {
    const kinds = INVALID_KINDS.filter(({ kind }) => kind.startsWith(`${field}_`))
    expect(kinds.length).toBeGreaterThanOrEqual(5)
  })
})

test.each([
  [1, '0.01'],
  [10, '0.10'],
  [100, '1.00'],
  [12_05, '12.05'],
  [999_999_999_999, '9999999999.99'],
])('%i cents are written as %s', (cents, text) => {
  expect(decimal(cents)).toBe(text)
})
