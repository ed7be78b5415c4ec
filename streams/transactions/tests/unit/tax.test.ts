import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { taxCents, taxRate } from '../../tax.ts'

const MAX_AMOUNT = 999_999_999_999

describe('tax', () => {
  test.each([
    // amount in cents, rate, tax in cents
    [100_00, '0.085', 8_50],
    [1, '0.085', 0],
    [5, '0.085', 0],
    [6, '0.085', 1],
    [1_00, '0.085', 9], // 8.5 exactly: half goes up
    [3_00, '0.085', 26], // 25.5
    [1_000_01, '0.085', 85_00],
    [1_00, '0.145', 15], // 14.5; as doubles 14.499999999999998
    [1_00, '1.005e-2', 1],
    [20_00, '0.01005', 20],
    [100_00, '0.01005', 101], // 100.5
    [2_00, '0.0725', 15], // 14.5; as doubles 14.499999999999998
    [30_00, '0.0725', 218], // 217.5; as doubles 217.49999999999997
    [10_00, '0.0345', 35], // 34.5
    [MAX_AMOUNT, '0.085', 85_000_000_000],
    [MAX_AMOUNT, '1', MAX_AMOUNT],
    [MAX_AMOUNT, '0', 0],
    [MAX_AMOUNT, '0.08500000000000001', 85_000_000_000],
    [50, '0.01', 1], // 0.5
    [50, '0.009999999999999999', 0],
  ])('on %i cents at a rate of %s is %i cents', (amount, rate, tax) => {
    expect(taxCents(amount, taxRate(rate))).toBe(tax)
  })

  test('is exact for every amount and rate: the integer nearest to the product, the upper one of two', () => {
    const decimals = fc.integer({ min: 0, max: 20 })
    const rates = decimals.chain((count) =>
      fc.bigInt({ min: 0n, max: 10n ** BigInt(count) }).map((numerator) => ({ numerator, count })),
    )
    fc.assert(
      fc.property(fc.integer({ min: 0, max: MAX_AMOUNT }), rates, (amount, { numerator, count }) => {
        const scale = 10n ** BigInt(count)
        const tax = BigInt(taxCents(amount, taxRate(`${numerator}e-${count}`)))
        const twiceTheError = 2n * (tax * scale - BigInt(amount) * numerator)
        expect(twiceTheError > -scale && twiceTheError <= scale).toBe(true)
      }),
      { numRuns: 2_000 },
    )
  })

  test('is the same on both sides of the amount where plain numbers no longer suffice', () => {
    const rate = taxRate('0.0851234567')
    const inBigInts = { ...rate, safeCents: -1 }
    for (let amount = rate.safeCents - 1_000; amount <= rate.safeCents; amount++) {
      expect(taxCents(amount, rate)).toBe(taxCents(amount, inBigInts))
    }
    expect(rate.safeCents).toBeGreaterThan(0)
    expect(rate.safeCents).toBeLessThan(MAX_AMOUNT)
  })
})

describe('a tax rate', () => {
  test.each([
    [0.085, 85n, 1_000n],
    ['0.085', 85n, 1_000n],
    ['.085', 85n, 1_000n],
    [0, 0n, 1n],
    [1, 1n, 1n],
    ['1.00', 100n, 100n],
    [1e-7, 1n, 10_000_000n],
    ['1.5e-3', 15n, 10_000n],
    ['1e0', 1n, 1n],
  ])('%s is the ratio %i/%i', (text, numerator, denominator) => {
    expect(taxRate(text)).toMatchObject({ numerator, denominator })
  })

  test.each([
    '',
    '.',
    'x',
    '-0.1',
    '1.01',
    '1e1',
    'NaN',
    '0,085',
    ' 0.1',
    '8.5%',
    -0.085,
    1.000001,
    NaN,
    Infinity,
  ])('refuses %j', (value) => {
    expect(() => taxRate(value)).toThrow(RangeError)
  })
})
