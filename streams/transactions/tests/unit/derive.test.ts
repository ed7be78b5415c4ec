import { expect, test } from 'vitest'
import { readConfig } from '../../../../etl/process/config.ts'
import { compileWith } from '../../../../etl/stream/compile.ts'
import { environmentOf } from '../../../../etl/stream/installed.ts'
import { taxRate } from '../../tax.ts'
import { transactions } from '../../transactions.ts'
import { transform } from '../../../../etl/job/transform.ts'
import { aRecord, aTransaction, stream } from '../support/a-transaction.ts'

test('a fact is the transaction with its offset, tax, total and fraud findings', () => {
  const row = aTransaction({ amount: 1_000_01 })
  expect(transform([{ record: aRecord({ offset: 42 }), row }], stream)).toEqual([
    {
      offset: 42,
      identity: row.order_id,
      row: {
        ...row,
        tax_amount: 85_00,
        total_amount: 1_085_01,
        is_fraud_flagged: true,
        fraud_score: 50,
        fraud_reasons: ['amount over 1000'],
      },
    },
  ])
})

test('the tax rate and the fraud rules are those that are given', () => {
  const valid = [{ record: aRecord(), row: aTransaction({ amount: 1_000_01 }) }]
  expect(
    transform(valid, compileWith(transactions, { rate: taxRate('0.2'), fraudRules: [] }))[0]?.row,
  ).toMatchObject({
    tax_amount: 200_00,
    total_amount: 1_200_01,
    is_fraud_flagged: false,
  })
})

test('a tax rate that can’t be is refused by its name', () => {
  expect(() => readConfig(['log'], { TAX_RATE: '8.5' }, environmentOf([transactions]))).toThrow(
    /TAX_RATE "8.5"/,
  )
})

test('the largest amount keeps an exact total', () => {
  const row = aTransaction({ amount: 999_999_999_999 })
  expect(transform([{ record: aRecord(), row }], stream)[0]?.row['total_amount']).toBe(1_084_999_999_999)
})
