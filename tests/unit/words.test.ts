import { describe, expect, test } from 'vitest'
import { createEncoder } from '../../producer/encode.ts'
import { createRandom } from '../../producer/random.ts'
import { CURRENCY_CODES } from '../../etl/stream/currency-codes.ts'
import { compileContract } from '../../etl/stream/contract.ts'
import { defineStream } from '../../etl/stream/define.ts'
import { wireOf, type Field } from '../../etl/stream/field.ts'
import { decimal, header, instant, key, text, uuid } from '../../etl/stream/words.ts'
import { aParcelRecord } from '../support/a-parcel.ts'
import { KAFKA_TIME } from '../support/messages.ts'
import { WORDS } from '../support/words.ts'

const NOW = Date.UTC(2026, 10, 21, 12)

const read = (field: Field<unknown>, json: string) => wireOf(field).safeParse(JSON.parse(json))

describe.each(Object.entries(WORDS))('the faces of %s agree', (name, field) => {
  const { kind } = field

  test('a sample that is written is read as it was', () => {
    const random = createRandom(7)
    for (let n = 0; n < 50; n++) {
      // Written in whole seconds, a time is read so.
      const sample = name === 'instant in seconds' ? NOW * 1_000 : kind.sample(random, NOW)
      const { data, error } = read(field, kind.write(sample))
      expect(error).toBeUndefined()
      expect(kind.equal(data as object, sample)).toBe(true)
      expect(kind.show(sample)).not.toBe('')
    }
  })

  test.each(Object.entries(kind.refuses))(
    'it refuses %s with one issue that says what is accepted',
    (_, bad) => {
      const { error } = read(field, bad)
      expect(error?.issues.map(({ message }) => message)).toEqual([
        expect.stringMatching(/^is .*; it must /s),
      ])
    },
  )

  test('missing and null are refused, unless it is optional', () => {
    for (const value of [undefined, null]) {
      const { error } = wireOf(field).safeParse(value)
      expect(error?.issues.map(({ message }) => message)).toEqual([
        expect.stringMatching(value === null ? /^is null; / : /^is missing; /),
      ])
      expect(wireOf(field.optional()).parse(value)).toBeNull()
    }
  })
})

test.each([
  ['0', '0.000000'],
  ['-0', '0.000000'],
  ['"-0.0"', '0.000000'],
  ['"007.50"', '7.500000'],
  ['12.5', '12.500000'],
  ['"-999.999999"', '-999.999999'],
  ['"0.100000000"', '0.100000'],
])('the decimal %s is %s', (json, value) => {
  expect(read(WORDS['decimal']!, json).data).toBe(value)
})

test('a JSON number of more digits than a double is sure to hold is no decimal', () => {
  const wide = decimal({ digits: 30, scale: 10 })
  expect(read(wide, '123456789012345').success).toBe(true)
  expect(read(wide, '12345678901.23456').success).toBe(false)
  expect(read(wide, '"12345678901234567890.1234567891"').data).toBe('12345678901234567890.1234567891')
})

test.each(['"a\\\\u0000b"', '{"a":"\\\\ud800"}', '"🛒"'])(
  'JSON that only looks like what jsonb refuses is taken: %s',
  (written) => {
    expect(read(WORDS['json']!, written).success).toBe(true)
  },
)

test('currency codes are those of ISO 4217, funds and metals too, and what it lately withdrew', () => {
  for (const code of CURRENCY_CODES) expect(code).toMatch(/^[A-Z]{3}$/)
  expect([...CURRENCY_CODES]).toEqual(
    expect.arrayContaining(['EUR', 'JPY', 'CLF', 'XAU', 'XCG', 'ZWG', 'BGN']),
  )
  expect(CURRENCY_CODES.size).toBe(178 + 4)
})

describe('where a value stands', () => {
  const orders = defineStream('orders', {
    title: 'order',
    topic: { key: 'tenant' },
    fields: {
      id_of: uuid({ at: 'order.id' }),
      placed: instant({ at: 'order.placed' }),
      city: text(20, { at: 'order.address.city' }).optional(),
      tenant: text(20, { at: header('tenant') }),
      session: text(20, { at: key() }).optional(),
    },
    eventTime: 'placed',
    partitionBy: 'month',
    identity: { once: 'id_of', scope: 'event_time' },
  })
  const validate = compileContract(orders)
  const row = {
    id_of: '3f2b8c1e-9a4d-4e6b-8f10-2c5d7a9b1e34',
    placed: KAFKA_TIME * 1_000,
    city: 'Oslo',
    tenant: 'shop',
    session: 's-1',
  }
  const encoder = createEncoder(orders)
  const record = (message: string, changes: Parameters<typeof aParcelRecord>[1] = {}) =>
    aParcelRecord(message, {
      key: Buffer.from('s-1'),
      headers: Object.entries(encoder.headers(row)!).map(([name, value]) => ({
        key: name,
        value: Buffer.from(value),
      })),
      ...changes,
    })

  test('is in objects of the message, in the key, in a header', () => {
    expect(encoder.text(row)).toBe(
      '{"order":{"id":"3f2b8c1e-9a4d-4e6b-8f10-2c5d7a9b1e34","placed":"2026-11-21T10:00:00.000Z","address":{"city":"Oslo"}}}',
    )
    expect(validate(record(encoder.text(row)), 1_095)).toMatchObject({ row })
  })

  test('is named in what is wrong', () => {
    const outcome = validate(record('{"order":{"address":"Oslo"}}', { headers: [] }), 1_095)
    expect(outcome).toMatchObject({
      code: 'schema_violation',
      issues: [
        { field: 'order.id', message: 'order.id is missing; it must be a UUID in a string' },
        { field: 'order.placed' },
        { field: 'the header tenant', message: /^the header tenant is missing; / },
      ],
    })
  })

  test('is missing where a key is no text, or a name is not the object’s own', () => {
    const bait = JSON.stringify({ order: { id: row.id_of, placed: '2026-11-21T10:00:00Z', address: [] } })
    expect(validate(record(bait, { key: Buffer.from([0xff]) }), 1_095)).toMatchObject({
      row: { city: null, session: null },
    })
    expect(validate(record('{"constructor":1}'), 1_095)).toMatchObject({ code: 'schema_violation' })
  })

  test('is out of range by its own name', () => {
    const old = encoder.text({ ...row, placed: 0 })
    expect(validate(record(old), 1_095)).toMatchObject({
      code: 'timestamp_out_of_range',
      issues: [{ field: 'order.placed', message: /^order\.placed is "1970-01-01T00:00:00.000Z"; / }],
    })
  })
})
