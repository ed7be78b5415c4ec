import { describe, expect, test } from 'vitest'
import { MAX_VALUE_BYTES } from '../../etl/stream/json.ts'
import { validate } from '../../etl/job/validate.ts'
import { aParcelMessage, aParcelRecord, parcels, validatedParcel } from '../support/a-parcel.ts'
import { KAFKA_TIME } from '../support/messages.ts'

const RULES = { stream: parcels, maxAgeDays: 1_095 }

describe('a record that keeps the contract', () => {
  test('becomes a row in the warehouse’s units, beside its record', () => {
    const record = aParcelRecord({
      parcel_id: '3F2B8C1E-9A4D-4E6B-8F10-2C5D7A9B1E34',
      fee: 1000.01,
      currency: 'JPY',
      weighed: '2026-11-21T11:59:00.123456+02:00',
      sender: 'sender-7',
      depot: 'books',
    })
    expect(parcels.validate(record, 1_095)).toMatchObject({
      record,
      row: {
        parcel_id: '3f2b8c1e-9a4d-4e6b-8f10-2c5d7a9b1e34',
        fee: 1_000_01,
        currency: 'JPY',
        weighed: (KAFKA_TIME - 60_000) * 1_000 + 123_456,
        sender: 'sender-7',
        depot: 'books',
      },
    })
  })

  test('may have any key, none, and headers', () => {
    const record = aParcelRecord(undefined, {
      key: null,
      headers: [{ key: 'trace', value: Buffer.from([0xff]) }],
    })
    expect(parcels.validate(record, 1_095)).toHaveProperty('row')
  })

  test('may have white space around, and escapes in names', () => {
    expect(validatedParcel(` \n${JSON.stringify(aParcelMessage())}\t`).code).toBe('valid')
    expect(validatedParcel(JSON.stringify(aParcelMessage()).replace('"fee"', '"\\u0066ee"')).code).toBe(
      'valid',
    )
  })

  test('may have unknown fields, which are not kept', () => {
    const { code, row } = validatedParcel(aParcelMessage({ colour: 'red', '': 1, surcharge: 9 }))
    expect(code).toBe('valid')
    expect(Object.keys(row ?? {}).toSorted()).toEqual(Object.keys(parcels.definition.fields).toSorted())
  })

  test('counts with the last of a field that occurs twice', () => {
    const twice = JSON.stringify(aParcelMessage()).replace('"fee":100.5', '"fee":-5,"fee":7')
    expect(validatedParcel(twice).row?.['fee']).toBe(7_00)
    expect(validatedParcel(twice.replace('-5,"fee":7', '7,"fee":-5')).code).toBe('schema_violation')
  })
})

describe('names that mean something to JavaScript', () => {
  test.each(['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'then'])(
    'a field %s gives nothing to the row',
    (name) => {
      const bait = `{"${name}":{"fee":7,"polluted":true},`
      const text = JSON.stringify(aParcelMessage({ fee: undefined })).replace('{', bait)
      expect(validatedParcel(text).issues).toEqual([
        { field: 'fee', message: 'fee is missing; it must be a JSON number' },
      ])
      expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
    },
  )

  test('and don’t stand in the way of a good record', () => {
    const text = JSON.stringify(aParcelMessage()).replace('{', '{"__proto__":null,"constructor":1,')
    const { row } = validatedParcel(text)
    expect(row).toBeDefined()
    expect(Object.getPrototypeOf(row)).toBe(Object.prototype)
  })
})

describe('a value that is not JSON', () => {
  test.each([
    ['empty', '', 'value is empty'],
    ['white space', '  ', 'value is not JSON'],
    ['text', 'hello', 'value is not JSON'],
    ['cut off', '{"parcel_id":', 'value is not JSON'],
    ['two objects', '{}{}', 'value is not JSON'],
    ['a trailing comma', '{"a":1,}', 'value is not JSON'],
    ['single quotes', "{'a':1}", 'value is not JSON'],
    ['NaN', '{"fee":NaN}', 'value is not JSON'],
    ['a leading zero', '{"fee":012}', 'value is not JSON'],
    ['a raw control character', '{"a":"\u0001"}', 'value is not JSON'],
    ['a NUL byte', '\0', 'value is not JSON'],
    ['a byte order mark', `\uFEFF${JSON.stringify(aParcelMessage())}`, 'value starts with a byte order mark'],
    ['UTF-16', Buffer.from(`\uFEFF${JSON.stringify(aParcelMessage())}`, 'utf16le'), 'value is not UTF-8'],
    ['Latin-1', Buffer.from(JSON.stringify(aParcelMessage({ sender: 'é' })), 'latin1'), 'value is not UTF-8'],
    ['a surrogate in UTF-8', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), 'value is not UTF-8'],
    ['an overlong form', Buffer.from([0x22, 0xc0, 0x80, 0x22]), 'value is not UTF-8'],
    ['a cut character', Buffer.from([0x22, 0xe2, 0x82]), 'value is not UTF-8'],
    ['unclosed arrays, 200,000 deep', '['.repeat(200_000), 'value is not JSON'],
  ])('(%s) is malformed', (_, value, problem) => {
    const { code, issues } = validatedParcel(value)
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
    [`[${JSON.stringify(aParcelMessage())}]`, 'an array'],
  ])('(%s) breaks the contract', (text, kind) => {
    expect(validatedParcel(text)).toEqual({
      code: 'schema_violation',
      issues: [{ field: '', message: `value is ${kind}; it must be a JSON object` }],
    })
  })

  test('nested 200,000 deep breaks it too', () => {
    expect(validatedParcel('['.repeat(200_000) + ']'.repeat(200_000)).code).toBe('schema_violation')
  })

  test('a null value, a tombstone, breaks it too', () => {
    expect(parcels.validate(aParcelRecord(null), 1_095)).toMatchObject({
      code: 'schema_violation',
      issues: [{ field: '', message: 'value is null (a tombstone); it must be a JSON object' }],
    })
  })
})

describe('a value of more bytes than are parsed', () => {
  test('breaks the contract, whatever it holds; one byte less does not', () => {
    expect(validatedParcel(aMessageOfBytes(MAX_VALUE_BYTES + 1))).toEqual({
      code: 'schema_violation',
      issues: [{ field: '', message: 'value has 1048577 bytes; it must have at most 1048576' }],
    })
    expect(validatedParcel(aMessageOfBytes(MAX_VALUE_BYTES)).code).toBe('valid')
  })
})

function aMessageOfBytes(bytes: number): string {
  const text = JSON.stringify(aParcelMessage({ padding: '' }))
  return text.replace('"padding":""', `"padding":"${'x'.repeat(bytes - text.length)}"`)
}

describe('an object', () => {
  const deep = '{"a":'.repeat(150_000) + '1' + '}'.repeat(150_000)

  test('nested 150,000 deep in an unknown field is still valid', () => {
    const text = JSON.stringify(aParcelMessage()).replace('{', () => `{"unknown":${deep},`)
    expect(validatedParcel(text).code).toBe('valid')
  })

  test('nested 150,000 deep in a field is one issue', () => {
    const text = JSON.stringify(aParcelMessage({ fee: 0 })).replace('"fee":0', () => `"fee":${deep}`)
    expect(validatedParcel(text).issues).toEqual([
      { field: 'fee', message: 'fee is an object; it must be a JSON number' },
    ])
  })

  test('that is empty has an issue for each field', () => {
    const { code, issues } = validatedParcel({})
    expect(code).toBe('schema_violation')
    expect(issues.map((issue) => issue.field)).toEqual([
      'parcel_id',
      'fee',
      'currency',
      'weighed',
      'sender',
      'depot',
    ])
  })

  test('with several faults has all of them listed', () => {
    const { issues } = validatedParcel(
      aParcelMessage({ fee: '1', currency: 'usd', weighed: '2026-02-30T00:00:00Z' }),
    )
    expect(issues.map((issue) => issue.message)).toEqual([
      'fee is "1"; it must be a JSON number',
      'currency is "usd"; it must be an upper-case ISO 4217 code such as EUR',
      'weighed is "2026-02-30T00:00:00Z"; it must be an existing date and time with zone as RFC 3339 writes it: 2026-01-31T23:59:59.5+02:00',
    ])
  })
})

describe('a record that could not be decoded', () => {
  test('is undecodable, whatever its bytes', () => {
    const record = aParcelRecord(undefined, { undecodable: 'zstd: bad magic' })
    expect(parcels.validate(record, 1_095)).toEqual({
      record,
      code: 'undecodable',
      issues: [{ field: '', message: 'value could not be decoded (zstd: bad magic)' }],
    })
  })

  test('keeps the decoder’s words short and printable', () => {
    const record = aParcelRecord(null, { undecodable: `\0\ud800${'x'.repeat(10_000)}` })
    const issue = validate([record], RULES).rejected[0]?.issues[0]
    expect(issue?.message).toMatch(/^value could not be decoded \(\\u\{0\}\\u\{d800\}x+…\)$/)
    expect(issue?.message.length).toBeLessThan(400)
  })
})

test('of a batch, each record comes out once and in order', () => {
  const records = ['good', '{', 'good', null, 'good'].map((value, offset) =>
    aParcelRecord(value === 'good' ? undefined : value, { offset }),
  )
  const { valid, rejected } = validate(records, RULES)
  expect(valid.map(({ record }) => record.offset)).toEqual([0, 2, 4])
  expect(rejected.map(({ record, code }) => [record.offset, code])).toEqual([
    [1, 'malformed_json'],
    [3, 'schema_violation'],
  ])
  expect(valid[1]?.record).toBe(records[2])
})
