import { describe, expect, test } from 'vitest'
import { CURRENCY_CODES } from '../../../../etl/stream/currency-codes.ts'
import { aMessage } from '../support/a-transaction.ts'
import { validated, validatedField } from '../support/validated.ts'

describe('amount', () => {
  test.each([
    ['0.01', 1],
    ['0.29', 29], // × 100 is 28.999999999999996
    ['1.15', 115], // × 100 is 114.99999999999999
    ['1000', 1_000_00],
    ['1000.00', 1_000_00],
    ['1000.01', 1_000_01],
    ['1e2', 100_00],
    ['1E-2', 1],
    ['100.00000000000000001', 100_00],
    ['9999999999.99', 999_999_999_999],
    ['9999999999', 999_999_999_900],
    ['4503599627.37', 450_359_962_737],
  ])('%s is %i cents', (json, cents) => {
    expect(validatedField('amount', json).transaction?.amount).toBe(cents)
  })

  test.each([
    ['0', 'amount is 0; it must be more than 0'],
    ['-0', 'amount is -0; it must be more than 0'],
    ['-5', 'amount is -5; it must be more than 0'],
    ['0.001', 'amount is 0.001; it must be a number with at most 2 decimals'],
    ['0.30000000000000004', 'amount is 0.30000000000000004; it must be a number with at most 2 decimals'],
    ['1.005', 'amount is 1.005; it must be a number with at most 2 decimals'],
    ['5e-324', 'amount is 5e-324; it must be a number with at most 2 decimals'],
    ['9999999999.994', 'amount is 9999999999.994; it must be a number with at most 2 decimals'],
    ['9999999999.999', 'amount is 9999999999.999; it must be a number with at most 2 decimals'],
    ['1e10', 'amount is 10000000000; it must be less than 10000000000'],
    ['12345678901.10', 'amount is 12345678901.1; it must be less than 10000000000'],
    ['1e308', 'amount is 1e+308; it must be less than 10000000000'],
    ['1e400', 'amount is a number beyond ±1.8e+308; it must be between 0 and 10000000000'],
    ['-1e400', 'amount is a number beyond ±1.8e+308; it must be between 0 and 10000000000'],
    ['"12.50"', 'amount is "12.50"; it must be a JSON number'],
    ['""', 'amount is ""; it must be a JSON number'],
    ['null', 'amount is null; it must be a JSON number'],
    ['true', 'amount is true; it must be a JSON number'],
    ['[12.5]', 'amount is an array; it must be a JSON number'],
    ['{"valueOf":1}', 'amount is an object; it must be a JSON number'],
  ])('%s is refused: %s', (json, message) => {
    expect(validatedField('amount', json)).toEqual({
      code: 'schema_violation',
      issues: [{ field: 'amount', message }],
    })
  })

  test('with two faults has two issues', () => {
    const { issues } = validatedField('amount', '-0.001')
    expect(issues.map((issue) => issue.message)).toEqual([
      'amount is -0.001; it must be more than 0',
      'amount is -0.001; it must be a number with at most 2 decimals',
    ])
  })
})

describe('order_id', () => {
  test.each([
    ['version 1', '6ba7b810-9dad-11d1-80b4-00c04fd430c8'],
    ['version 4', '3f2b8c1e-9a4d-4e6b-8f10-2c5d7a9b1e34'],
    ['version 7', '0193f0a0-1c2d-7abc-9def-0123456789ab'],
    ['version 8', '0193f0a0-1c2d-8abc-9def-0123456789ab'],
    ['no version that is known', '3f2b8c1e-9a4d-0e6b-ff10-2c5d7a9b1e34'],
    ['nil', '00000000-0000-0000-0000-000000000000'],
    ['max', 'ffffffff-ffff-ffff-ffff-ffffffffffff'],
  ])('of %s is accepted', (_, order_id) => {
    expect(validated(aMessage({ order_id: order_id })).transaction?.order_id).toBe(order_id)
  })

  test('in upper case is the same order as in lower case', () => {
    const order_id = '3f2b8c1e-9a4d-4e6b-8f10-2c5d7a9b1e34'
    expect(validated(aMessage({ order_id: order_id.toUpperCase() })).transaction?.order_id).toBe(order_id)
  })

  test.each([
    ['no UUID', 'order-1'],
    ['empty', ''],
    ['in braces', '{3f2b8c1e-9a4d-4e6b-8f10-2c5d7a9b1e34}'],
    ['as a URN', 'urn:uuid:3f2b8c1e-9a4d-4e6b-8f10-2c5d7a9b1e34'],
    ['without dashes', '3f2b8c1e9a4d4e6b8f102c5d7a9b1e34'],
    ['one digit short', '3f2b8c1e-9a4d-4e6b-8f10-2c5d7a9b1e3'],
    ['one digit long', '3f2b8c1e-9a4d-4e6b-8f10-2c5d7a9b1e345'],
    ['with a letter that is no hex digit', '3g2b8c1e-9a4d-4e6b-8f10-2c5d7a9b1e34'],
    ['with a line end', '3f2b8c1e-9a4d-4e6b-8f10-2c5d7a9b1e34\n'],
    ['with NUL', '3f2b8c1e-9a4d-4e6b-8f10-2c5d7a9b1e34\0'],
    ['a number', 12],
    ['null', null],
  ])('that is %s is refused', (_, order_id) => {
    const { code, issues } = validated(aMessage({ order_id: order_id }))
    expect(code).toBe('schema_violation')
    expect(issues.map((issue) => issue.field)).toEqual(['order_id'])
  })
})

describe('currency', () => {
  test('is accepted where ISO 4217 lists it, funds and metals too', () => {
    for (const currency of CURRENCY_CODES) {
      expect(validated(aMessage({ currency })).transaction?.currency).toBe(currency)
    }
  })

  test.each([
    'eur',
    'Eur',
    'EU',
    'EURO',
    '€',
    '978',
    'DEM',
    'HRK',
    'ZZZ',
    'BTC',
    '',
    ' EUR',
    'EUR\n',
    'constructor',
  ])('%j is refused', (currency) => {
    const { code, issues } = validated(aMessage({ currency }))
    expect(code).toBe('schema_violation')
    expect(issues.map((issue) => issue.field)).toEqual(['currency'])
  })
})

describe.each(['customer_id', 'product_category'])('%s', (field) => {
  test.each([
    ['one character', 'a'],
    ['50 characters', 'a'.repeat(50)],
    ['50 code points outside the BMP', '😀'.repeat(50)],
    ['50 code points of both kinds', `${'a'.repeat(25)}${'😀'.repeat(25)}`],
    ['a blank', ' '],
    ['right-to-left script', 'متجر'],
    ['markup', '<img onerror>'],
    ['U+FFFD', '\uFFFD'],
  ])('may be %s', (_, value) => {
    const { transaction } = validated(aMessage({ [field]: value }))
    expect(field === 'customer_id' ? transaction?.customer_id : transaction?.product_category).toBe(value)
  })

  test.each([
    ['empty', '', '"", 0 characters; it must have 1 to 50'],
    ['51 characters', 'a'.repeat(51), `"${'a'.repeat(40)}…", 51 characters; it must have 1 to 50`],
    ['51 code points', '😀'.repeat(51), `"${'😀'.repeat(40)}…", 51 characters; it must have 1 to 50`],
    ['1 MB', 'a'.repeat(1_000_000), `"${'a'.repeat(40)}…", 1000000 characters; it must have 1 to 50`],
    ['with NUL', 'a\0b', '"a\\u{0}b"; it must be without NUL characters'],
    ['a number', 7, '7; it must be a string of 1 to 50 characters'],
    ['null', null, 'null; it must be a string of 1 to 50 characters'],
    ['missing', undefined, 'missing; it must be a string of 1 to 50 characters'],
  ])('is refused when %s', (_, value, message) => {
    expect(validated(aMessage({ [field]: value }))).toEqual({
      code: 'schema_violation',
      issues: [{ field, message: `${field} is ${message}` }],
    })
  })

  test.each(['"\\ud800"', '"a\\udc00b"', '"\\udc00\\ud800"'])(
    'is refused with the lone surrogate %s',
    (json) => {
      const { issues } = validatedField(field, json)
      expect(issues).toHaveLength(1)
      expect(issues[0]?.message).toContain('it must be Unicode without lone surrogates')
      expect(issues[0]?.message.isWellFormed()).toBe(true)
    },
  )

  test('may hold an escaped pair of surrogates, which is one character', () => {
    expect(validatedField(field, '"\\ud83d\\ude00"').code).toBe('valid')
  })

  test('with every fault has an issue for each', () => {
    expect(validatedField(field, `"${'a'.repeat(51)}\\ud800\\u0000"`).issues).toHaveLength(3)
  })
})
