import { describe, expect, test } from 'vitest'
import { MAX_VALUE_BYTES } from '../../etl/stream/json.ts'
import { validate } from '../../etl/job/validate.ts'
import { anOrderMessage, anOrderRecord, KAFKA_TIME, orders, validatedOrder } from '../support/orders.ts'

const RULES = { stream: orders, maxAgeDays: 1_095 }

describe('a record that keeps the contract', () => {
  test('becomes a row in the warehouse’s units, beside its record', () => {
    const record = anOrderRecord({
      order_id: '3F2B8C1E-9A4D-4E6B-8F10-2C5D7A9B1E34',
      amount: 1000.01,
      currency: 'JPY',
      placed: '2026-11-21T11:59:00.123456+02:00',
      customer: 'customer-7',
      category: 'books',
    })
    expect(orders.validate(record, 1_095)).toMatchObject({
      record,
      row: {
        order_id: '3f2b8c1e-9a4d-4e6b-8f10-2c5d7a9b1e34',
        amount: 1_000_01,
        currency: 'JPY',
        placed: (KAFKA_TIME - 60_000) * 1_000 + 123_456,
        customer: 'customer-7',
        category: 'books',
      },
    })
  })

  test('may have any key, none, and headers', () => {
    const record = anOrderRecord(undefined, {
      key: null,
      headers: [{ key: 'trace', value: Buffer.from([0xff]) }],
    })
    expect(orders.validate(record, 1_095)).toHaveProperty('row')
  })

  test('may have white space around, and escapes in names', () => {
    expect(validatedOrder(` \n${JSON.stringify(anOrderMessage())}\t`).code).toBe('valid')
    expect(validatedOrder(JSON.stringify(anOrderMessage()).replace('"amount"', '"\\u0061mount"')).code).toBe(
      'valid',
    )
  })

  test('may have unknown fields, which are not kept', () => {
    const { code, row } = validatedOrder(anOrderMessage({ colour: 'red', '': 1, tax: 9 }))
    expect(code).toBe('valid')
    expect(Object.keys(row ?? {}).toSorted()).toEqual(Object.keys(orders.definition.fields).toSorted())
  })

  test('counts with the last of a field that occurs twice', () => {
    const twice = JSON.stringify(anOrderMessage()).replace('"amount":100.5', '"amount":-5,"amount":7')
    expect(validatedOrder(twice).row?.['amount']).toBe(7_00)
    expect(validatedOrder(twice.replace('-5,"amount":7', '7,"amount":-5')).code).toBe('schema_violation')
  })
})

describe('names that mean something to JavaScript', () => {
  test.each(['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'then'])(
    'a field %s gives nothing to the row',
    (name) => {
      const bait = `{"${name}":{"amount":7,"polluted":true},`
      const text = JSON.stringify(anOrderMessage({ amount: undefined })).replace('{', bait)
      expect(validatedOrder(text).issues).toEqual([
        { field: 'amount', message: 'amount is missing; it must be a JSON number' },
      ])
      expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
    },
  )

  test('and don’t stand in the way of a good record', () => {
    const text = JSON.stringify(anOrderMessage()).replace('{', '{"__proto__":null,"constructor":1,')
    const { row } = validatedOrder(text)
    expect(row).toBeDefined()
    expect(Object.getPrototypeOf(row)).toBe(Object.prototype)
  })
})

describe('a value that is not JSON', () => {
  test.each([
    ['empty', '', 'value is empty'],
    ['white space', '  ', 'value is not JSON'],
    ['text', 'hello', 'value is not JSON'],
    ['cut off', '{"order_id":', 'value is not JSON'],
    ['two objects', '{}{}', 'value is not JSON'],
    ['a trailing comma', '{"a":1,}', 'value is not JSON'],
    ['single quotes', "{'a':1}", 'value is not JSON'],
    ['NaN', '{"amount":NaN}', 'value is not JSON'],
    ['a leading zero', '{"amount":012}', 'value is not JSON'],
    ['a raw control character', '{"a":"\u0001"}', 'value is not JSON'],
    ['a NUL byte', '\0', 'value is not JSON'],
    ['a byte order mark', `\uFEFF${JSON.stringify(anOrderMessage())}`, 'value starts with a byte order mark'],
    ['UTF-16', Buffer.from(`\uFEFF${JSON.stringify(anOrderMessage())}`, 'utf16le'), 'value is not UTF-8'],
    [
      'Latin-1',
      Buffer.from(JSON.stringify(anOrderMessage({ customer: 'é' })), 'latin1'),
      'value is not UTF-8',
    ],
    ['a surrogate in UTF-8', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), 'value is not UTF-8'],
    ['an overlong form', Buffer.from([0x22, 0xc0, 0x80, 0x22]), 'value is not UTF-8'],
    ['a cut character', Buffer.from([0x22, 0xe2, 0x82]), 'value is not UTF-8'],
    ['unclosed arrays, 200,000 deep', '['.repeat(200_000), 'value is not JSON'],
  ])('(%s) is malformed', (_, value, problem) => {
    const { code, issues } = validatedOrder(value)
    expect(code).toBe('malformed_json')
    expect(issues).toHaveLength(1)
    expect(issues[0]?.field).toBe('')
    expect(issues[0]?.message.startsWith(problem)).toBe(true)
    expect(issues[0]?.message).toMatch(/it must be a JSON object in UTF-8 without BOM$/)
  })
})

describe('JSON that is no object', () => {
  test.each([
    ['null', 'the JSON null'],
    ['true', 'a boolean'],
    ['42', 'a number'],
    ['"text"', 'a string'],
    ['[]', 'an array'],
    [`[${JSON.stringify(anOrderMessage())}]`, 'an array'],
  ])('(%s) breaks the contract', (text, kind) => {
    expect(validatedOrder(text)).toEqual({
      code: 'schema_violation',
      issues: [{ field: '', message: `value is ${kind}; it must be a JSON object` }],
    })
  })

  test('nested 200,000 deep breaks it too', () => {
    expect(validatedOrder('['.repeat(200_000) + ']'.repeat(200_000)).code).toBe('schema_violation')
  })

  test('a null value, a tombstone, breaks it too', () => {
    expect(orders.validate(anOrderRecord(null), 1_095)).toMatchObject({
      code: 'schema_violation',
      issues: [{ field: '', message: 'value is null (a tombstone); it must be a JSON object' }],
    })
  })
})

describe('a value of more bytes than are parsed', () => {
  test('breaks the contract, whatever it holds; one byte less does not', () => {
    expect(validatedOrder(aMessageOfBytes(MAX_VALUE_BYTES + 1))).toEqual({
      code: 'schema_violation',
      issues: [{ field: '', message: 'value has 1048577 bytes; it must have at most 1048576' }],
    })
    expect(validatedOrder(aMessageOfBytes(MAX_VALUE_BYTES)).code).toBe('valid')
  })
})

function aMessageOfBytes(bytes: number): string {
  const text = JSON.stringify(anOrderMessage({ padding: '' }))
  return text.replace('"padding":""', `"padding":"${'x'.repeat(bytes - text.length)}"`)
}

describe('an object', () => {
  const deep = '{"a":'.repeat(150_000) + '1' + '}'.repeat(150_000)

  test('nested 150,000 deep in an unknown field is still valid', () => {
    const text = JSON.stringify(anOrderMessage()).replace('{', () => `{"unknown":${deep},`)
    expect(validatedOrder(text).code).toBe('valid')
  })

  test('nested 150,000 deep in a field is one issue', () => {
    const text = JSON.stringify(anOrderMessage({ amount: 0 })).replace('"amount":0', () => `"amount":${deep}`)
    expect(validatedOrder(text).issues).toEqual([
      { field: 'amount', message: 'amount is an object; it must be a JSON number' },
    ])
  })

  test('that is empty has an issue for each field', () => {
    const { code, issues } = validatedOrder({})
    expect(code).toBe('schema_violation')
    expect(issues.map((issue) => issue.field)).toEqual([
      'order_id',
      'amount',
      'currency',
      'placed',
      'customer',
      'category',
    ])
  })

  test('with several faults has all of them listed', () => {
    const { issues } = validatedOrder(
      anOrderMessage({ amount: '1', currency: 'usd', placed: '2026-02-30T00:00:00Z' }),
    )
    expect(issues.map((issue) => issue.message)).toEqual([
      'amount is "1"; it must be a JSON number',
      'currency is "usd"; it must be an upper-case ISO 4217 code such as EUR',
      'placed is "2026-02-30T00:00:00Z"; it must be an existing date and time with zone as RFC 3339 writes it: 2026-01-31T23:59:59.5+02:00',
    ])
  })
})

describe('a record that could not be decoded', () => {
  test('is undecodable, whatever its bytes', () => {
    const record = anOrderRecord(undefined, { undecodable: 'zstd: bad magic' })
    expect(orders.validate(record, 1_095)).toEqual({
      record,
      code: 'undecodable',
      issues: [{ field: '', message: 'value could not be decoded (zstd: bad magic)' }],
    })
  })

  test('keeps the decoder’s words short and printable', () => {
    const record = anOrderRecord(null, { undecodable: `\0\ud800${'x'.repeat(10_000)}` })
    const issue = validate([record], RULES).rejected[0]?.issues[0]
    expect(issue?.message).toMatch(/^value could not be decoded \(\\u\{0\}\\u\{d800\}x+…\)$/)
    expect(issue?.message.length).toBeLessThan(400)
  })
})

test('of a batch, each record comes out once and in order', () => {
  const records = ['good', '{', 'good', null, 'good'].map((value, offset) =>
    anOrderRecord(value === 'good' ? undefined : value, { offset }),
  )
  const { valid, rejected } = validate(records, RULES)
  expect(valid.map(({ record }) => record.offset)).toEqual([0, 2, 4])
  expect(rejected.map(({ record, code }) => [record.offset, code])).toEqual([
    [1, 'malformed_json'],
    [3, 'schema_violation'],
  ])
  expect(valid[1]?.record).toBe(records[2])
})
