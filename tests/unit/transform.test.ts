import { expect, test } from 'vitest'
import { FRAUD_RULES } from '../../etl/stream/fraud-rules.ts'
import { taxRate } from '../../etl/stream/money.ts'
import { transform } from '../../etl/job/transform.ts'
import { aFact, aRecord, aTransaction } from '../support/a-transaction.ts'

const using = { taxRate: taxRate(0.085), fraudRules: FRAUD_RULES }

test('a fact is the transaction with its offset, tax, total and fraud findings', () => {
  const transaction = aTransaction({ amountCents: 1_000_01 })
  expect(transform([{ record: aRecord({ offset: 42 }), transaction }], using)).toEqual([
    {
      ...transaction,
      offset: 42,
      taxCents: 85_00,
      totalCents: 1_085_01,
      isFraudFlagged: true,
      fraudScore: 50,
      fraudReasons: ['amount over 1000'],
    },
  ])
})

test('the order of the records is kept', () => {
  const valid = [7, 3, 5].map((offset) => ({ record: aRecord({ offset }), transaction: aTransaction() }))
  expect(transform(valid, using).map((fact) => fact.offset)).toEqual([7, 3, 5])
})

test('the tax rate and the fraud rules are those that are given', () => {
  const valid = [{ record: aRecord(), transaction: aTransaction({ amountCents: 1_000_01 }) }]
  expect(transform(valid, { taxRate: taxRate('0.2'), fraudRules: [] })[0]).toMatchObject({
    taxCents: 200_00,
    totalCents: 1_200_01,
    isFraudFlagged: false,
  })
})

test('the same transactions give the same facts again', () => {
  const valid = [{ record: aRecord(), transaction: aTransaction() }]
  expect(transform(valid, using)).toEqual(transform(valid, using))
})

test('the largest amount keeps an exact total', () => {
  const transaction = aTransaction({ amountCents: 999_999_999_999 })
  expect(transform([{ record: aRecord(), transaction }], using)[0]?.totalCents).toBe(1_084_999_999_999)
})

test('the factory of facts derives what is not overridden', () => {
  expect(aFact({ amountCents: 2_000_00 })).toMatchObject({ taxCents: 170_00, isFraudFlagged: true })
  expect(aFact({ amountCents: 2_000_00, taxCents: 1 }).taxCents).toBe(1)
})
