import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compareAmounts, minus, plus, share, tenThousandths, times } from '../../etl/stream/amount.ts'
import { compileContract } from '../../etl/stream/contract.ts'
import { CURRENCY_CODES, decimalsOf } from '../../etl/stream/currency-codes.ts'
import { defineStream } from '../../etl/stream/define.ts'
import { wireOf, type Field } from '../../etl/stream/field.ts'
import { readDecimal } from '../../etl/stream/money.ts'
import { currencyCode, decimal, instant, json, money, uuid } from '../../etl/stream/words.ts'
import { aRecord, KAFKA_TIME } from '../support/messages.ts'

const amountOf = (currency: string, minor: number, exponent = decimalsOf(currency)) => ({
  minor,
  exponent,
  currency,
})
const read = (field: Field<unknown>, value: string) => wireOf(field).safeParse(JSON.parse(value))

describe('the table of decimals', () => {
  test('is of currencies that are accepted, and differs from CLDR only where ISO does', () => {
    const differing = [...CURRENCY_CODES].filter((code) => {
      const { maximumFractionDigits } = new Intl.NumberFormat('en', {
        style: 'currency',
        currency: code,
      }).resolvedOptions()
      return decimalsOf(code) !== maximumFractionDigits
    })
    // CLDR says what people write; ISO has no unit for funds and metals, which have four decimals here.
    const withoutUnit = [
      'XAG',
      'XAU',
      'XBA',
      'XBB',
      'XBC',
      'XBD',
      'XDR',
      'XPD',
      'XPT',
      'XSU',
      'XTS',
      'XUA',
      'XXX',
    ]
    const hundredths = differing.filter((code) => !withoutUnit.includes(code))
    expect(hundredths.filter((code) => decimalsOf(code) !== 2)).toEqual(['IQD'])
    expect(withoutUnit.filter((code) => decimalsOf(code) !== 4)).toEqual([])
  })

  test.each([
    ['EUR', 2],
    ['JPY', 0],
    ['KWD', 3],
    ['CLF', 4],
    ['ISK', 0],
    ['HUF', 2],
    ['MGA', 2],
    ['XAU', 4],
  ])('%s has %i', (code, decimals) => {
    expect(decimalsOf(code)).toBe(decimals)
  })
})

const orders = defineStream('orders', {
  title: 'order',
  topic: { key: 'order_id' },
  fields: {
    order_id: uuid(),
    at: instant(),
    currency: currencyCode({ at: 'money.currency' }),
    price: money({ of: 'currency', text: true, at: 'money.price' }),
    refund: money({ of: 'currency', min: -1_000_000 }).optional(),
    shipping: money({ of: 'currency', min: 0 }).default({ minor: 0, exponent: 0, currency: '' }),
    rate: decimal({ digits: 30, scale: 2 }).optional(),
    extra: json({ maxBytes: 200 }).optional(),
  },
  eventTime: 'at',
  partitionBy: 'month',
  identity: { once: 'order_id', scope: 'event_time' },
  laterRules: [
    {
      since: new Date(KAFKA_TIME),
      field: 'price',
      accepted: 'a whole number of kronur',
      accepts: ({ price }) => price.currency !== 'SEK' || price.minor % 100 === 0,
    },
  ],
})
const validate = compileContract(orders)
const outcomeOf = (rest: string) =>
  validate(
    aRecord({
      value: Buffer.from(
        `{"order_id":"3f2b8c1e-9a4d-4e6b-8f10-2c5d7a9b1e34","at":"2026-11-21T09:59:00Z",${rest}}`,
      ),
    }),
    1_095,
  )
const rowOf = (rest: string) => {
  const outcome = outcomeOf(rest)
  expect(outcome).toHaveProperty('row')
  return 'row' in outcome ? outcome.row : {}
}
const issuesOf = (rest: string) => {
  const outcome = outcomeOf(rest)
  return 'issues' in outcome ? outcome.issues.map(({ message }) => message) : []
}
const priced = (price: string, currency = 'EUR') => `"money":{"currency":"${currency}","price":${price}}`

describe('an amount of a currency', () => {
  test.each([
    ['12.5', 'EUR', 1250],
    ['12.50', 'EUR', 1250],
    ['"12.5"', 'EUR', 1250],
    ['"0012.500000"', 'EUR', 1250],
    ['1.15', 'USD', 115],
    ['1250', 'JPY', 1250],
    ['1250.000', 'JPY', 1250],
    ['1.25e3', 'JPY', 1250],
    ['1.234', 'KWD', 1234],
    ['0.0001', 'CLF', 1],
    ['90071992547409.91', 'EUR', 9007199254740991],
    ['"90071992547409.91"', 'EUR', 9007199254740991],
    ['90071992547409.90', 'EUR', 9007199254740990],
    ['999999999999999', 'JPY', 999999999999999],
    ['1.234500000000000000000', 'CLF', 12345],
    ['0.1234500000000000000e4', 'EUR', 123450],
  ])('%s of %s is %s of its smallest unit', (price, currency, minor) => {
    expect(rowOf(priced(price, currency))['price']).toEqual(amountOf(currency, minor))
  })

  test.each([
    ['12.5', 'JPY', 'money.price is 12.5; it must have no decimals, as JPY has'],
    ['12.345', 'EUR', 'money.price is 12.345; it must have at most 2 decimals, as EUR has'],
    ['0.12345678901234567e4', 'EUR', 'money.price is 0.12345678901234567e4; it must be a JSON number or'],
    ['1.2345', 'KWD', 'money.price is 1.2345; it must have at most 3 decimals, as KWD has'],
    [
      '90071992547409.92',
      'EUR',
      'money.price is 90071992547409.92; it must be a JSON number or a decimal string above 0',
    ],
    [
      '900719925474100',
      'EUR',
      'money.price is 900719925474100; it must be from -90071992547409.91 to 90071992547409.91 EUR',
    ],
    ['0', 'EUR', 'money.price is 0; it must be a JSON number or a decimal string above 0'],
    ['"1e3"', 'EUR', 'money.price is "1e3"; it must be a JSON number or a decimal string above 0'],
    ['1e30', 'EUR', 'money.price is 1e+30; it must be'],
    [`"${'0'.repeat(200)}1"`, 'EUR', 'money.price is "0000'],
  ])('%s of %s is refused: %s', (price, currency, said) => {
    expect(issuesOf(priced(price, currency))).toEqual([expect.stringContaining(said)])
  })

  test('is refused beside whatever else is wrong with the record, where its currency can be read', () => {
    expect(issuesOf(`${priced('12.5', 'JPY')},"rate":"x"`)).toEqual([
      expect.stringMatching(/^rate is "x"; /),
      'money.price is 12.5; it must have no decimals, as JPY has',
    ])
    expect(issuesOf(priced('12.5', 'ZZZ'))).toEqual([expect.stringMatching(/^money\.currency is "ZZZ"; /)])
  })

  test('may be below 0, missing, or what is declared where it is missing', () => {
    expect(rowOf(priced('1'))).toMatchObject({ refund: null, shipping: amountOf('EUR', 0) })
    expect(rowOf(`${priced('1')},"refund":-999999.99`)).toMatchObject({ refund: amountOf('EUR', -99999999) })
    expect(rowOf(`${priced('1')},"refund":-0`)).toMatchObject({ refund: amountOf('EUR', 0) })
    expect(issuesOf(`${priced('1')},"refund":-1000000.01`)).toEqual([
      expect.stringMatching(/^refund is -1000000.01; it must be a JSON number of at least -1000000, /),
    ])
  })

  test('meets later rules in the smallest unit of its currency', () => {
    expect(issuesOf(priced('12.5', 'SEK'))).toEqual([
      'money.price is 12.5; it must be a whole number of kronur'.replace('money.price', 'price'),
    ])
    expect(issuesOf(priced('12', 'SEK'))).toEqual([])
  })
})

describe('numbers of more than 15 digits', () => {
  test('are exact where an amount is, and beside it what they always were', () => {
    const exact = `${priced('1234567890123.45')},"rate":12345678901234567.25,"extra":{"n":12345678901234567.25}`
    expect(issuesOf(exact)).toEqual([expect.stringMatching(/^rate is /)])
    expect(rowOf(`${priced('12345678901234.45')},"extra":{"n":12345678901234567.25}`)).toMatchObject({
      price: amountOf('EUR', 1234567890123445),
      extra: { n: 12345678901234568 },
    })
  })

  test('below more brackets than a parser goes down for them make a dead letter', () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    expect(outcomeOf(`${priced('1')},"deep":${deep}`)).toHaveProperty('row')
    expect(outcomeOf(`${priced('12345678901234.45')},"deep":${deep}`)).toMatchObject({
      code: 'malformed_json',
      issues: [{ message: expect.stringContaining('nested too deeply') as string }],
    })
  })

  test('of one field after another are read as they were written, whatever they are', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: BigInt(Number.MAX_SAFE_INTEGER) }), (minor) => {
        const digits = String(minor).padStart(3, '0')
        const price = `${digits.slice(0, -2)}.${digits.slice(-2)}`
        expect(rowOf(priced(price))['price']).toEqual(amountOf('EUR', Number(minor)))
      }),
      { numRuns: 500 },
    )
  })
})

describe('money() with options', () => {
  test.each([
    ['"12.50"', 1250],
    ['"0.01"', 1],
    ['12.5', 1250],
    ['"9999999999.99"', 999999999999],
    ['"1.10000"', 110],
    ['"1.15"', 115],
  ])('text: %s is %i hundredths', (value, cents) => {
    expect(read(money({ text: true }), value).data).toBe(cents)
  })

  test.each(['"12.345"', '"0"', '"-1"', '"10000000000"', '" 1"', '"+1"', '".5"', '"5."', '"1,5"', '"١"'])(
    'text: %s is refused',
    (value) => {
      expect(read(money({ text: true }), value).success).toBe(false)
    },
  )

  test.each([
    ['-10000', -10_000_00],
    ['-9999.99', -9_999_99],
    ['0', 0],
    ['-0', 0],
    ['9999999999.99', 999999999999],
  ])('min: %s is %i hundredths', (value, cents) => {
    expect(read(money({ min: -10_000 }), value).data).toBe(cents)
  })

  test('min is a whole number, so that no bound is a double', () => {
    expect(() => money({ min: 0.01 })).toThrow('money({ min: 0.01 }): min must be a whole number')
  })

  test.each(['-10000.01', '"5"', '10000000000', '-10000000000', '0.001'])('min: %s is refused', (value) => {
    expect(read(money({ min: -10_000 }), value).success).toBe(false)
  })
})

test.each([
  ['"Ag=="', '0.02'],
  ['"BOI="', '12.50'],
  ['"/w=="', '-0.01'],
  ['"AP8="', '2.55'],
  ['"+x4="', '-12.50'],
  ['"AAAAAAAE4g=="', '12.50'],
])('the decimal that Kafka Connect writes as %s is %s', (value, text) => {
  const field = decimal({ digits: 10, scale: 2, encoding: 'connect' })
  expect(read(field, value).data).toBe(text)
  expect(JSON.parse(field.kind.write(text))).toBe(
    value === '"AAAAAAAE4g=="' ? 'BOI=' : (JSON.parse(value) as string),
  )
})

const eur = (minor: number) => amountOf('EUR', minor)

describe('arithmetic', () => {
  test('is exact, and of one currency', () => {
    expect(plus(eur(1), eur(2))).toEqual(eur(3))
    expect(minus(eur(1), eur(2))).toEqual(eur(-1))
    expect(times(eur(333), 3)).toEqual(eur(999))
    expect(compareAmounts(eur(5), amountOf('EUR', 499, 4))).toBeGreaterThan(0)
    expect(compareAmounts(eur(5), amountOf('EUR', 5_00, 4))).toBe(0)
    expect(() => plus(eur(1), amountOf('JPY', 1))).toThrow(RangeError)
    expect(() => compareAmounts(eur(1), amountOf('JPY', 1))).toThrow('EUR and JPY')
    expect(() => plus(eur(Number.MAX_SAFE_INTEGER), eur(1))).toThrow('beyond 9007199254740991')
    expect(() => times(eur(1), 0.5)).toThrow('a whole number, not 0.5')
  })

  test.each([
    [100_00, 8_50],
    [1_00, 9], // 8.5 exactly: half goes up
    [-1_00, -8], // up is towards what is more
    [-1_01, -9],
    [0, 0],
  ])('8.5 %% of %i is %i', (minor, part) => {
    expect(share(eur(minor), { numerator: 85n, denominator: 1000n })).toEqual(eur(part))
  })

  test('a share is the integer nearest to it, the upper one of two', () => {
    const big = fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n })
    fc.assert(
      fc.property(big, fc.bigInt({ min: 0n, max: 1_000n }), (minor, numerator) => {
        const part = BigInt(share(eur(Number(minor)), { numerator, denominator: 1_000n }).minor)
        const twice = 2n * (part * 1_000n - minor * numerator)
        expect(twice > -1_000n && twice <= 1_000n).toBe(true)
      }),
    )
  })

  test('sums are in ten-thousandths, exactly', () => {
    expect(tenThousandths(amountOf('JPY', 999_999_999_999_999))).toBe(9_999_999_999_999_990_000n)
    expect(tenThousandths(eur(1))).toBe(100)
  })
})

test.each([
  ['1e-3', { units: 1, scale: 3 }],
  ['1E+2', { units: 100, scale: 0 }],
  ['-0', { units: 0, scale: 0 }],
  ['0.00e9', { units: 0, scale: 0 }],
  ['100', { units: 100, scale: 0 }],
  ['9007199254740993', 'too long'],
  ['1e400', 'too long'],
  ['1e4000', 'no decimal'],
  ['1.', 'no decimal'],
])('the number %s is read as %j', (text, decimalRead) => {
  expect(readDecimal(text, 'number')).toEqual(decimalRead)
})
