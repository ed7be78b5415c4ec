import { expect, test } from 'vitest'
import { centsToDecimal } from '../../etl/stream/money.ts'

test.each([
  [0, '0.00'],
  [1, '0.01'],
  [10, '0.10'],
  [100_001, '1000.01'],
  [-5, '-0.05'],
  [999_999_999_999, '9999999999.99'],
  [Number.MAX_SAFE_INTEGER, '90071992547409.91'],
])('%i cents are written %s', (cents, decimal) => {
  expect(centsToDecimal(cents)).toBe(decimal)
})
