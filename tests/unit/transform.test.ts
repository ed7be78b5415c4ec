import { expect, test } from 'vitest'
import { compileWith } from '../../etl/stream/compile.ts'
import { transform } from '../../etl/job/transform.ts'
import { anOrder, anOrderFact, anOrderRecord, orders } from '../support/orders.ts'
import { visits } from '../support/visits/visits.ts'

test('a fact is what the record says with its offset, its identity and what is derived of it', () => {
  const row = anOrder({ amount: 1_000_01 })
  const derived = { tax: 85_00, is_large: true, score: 50, reasons: ['amount over 1000'] }
  expect(transform([{ record: anOrderRecord('', { offset: 42 }), row }], orders)).toEqual([
    { offset: 42, identity: row['order_id'], row: { ...row, ...derived } },
  ])
})

test('of a stream that derives nothing it is what the record says', () => {
  const row = { session: 's', page: '/', at: 7, kind: 'view', seconds: null }
  const [fact] = transform([{ record: anOrderRecord(''), row }], compileWith(visits, undefined))
  expect(fact).toEqual({ offset: 0, identity: '7\0s\0/', row })
})

test('the rules are those that are given', () => {
  const taxed = { ...orders.definition, derive: (_: unknown, rules: unknown) => ({ tax: rules }) }
  const valid = [{ record: anOrderRecord(''), row: anOrder() }]
  expect(transform(valid, compileWith(taxed, 7))[0]?.row).toMatchObject({ tax: 7 })
})

test('the order of the records is kept, and the same ones give the same facts again', () => {
  const valid = [7, 3, 5].map((offset) => ({ record: anOrderRecord('', { offset }), row: anOrder() }))
  expect(transform(valid, orders).map((fact) => fact.offset)).toEqual([7, 3, 5])
  expect(transform(valid, orders)).toEqual(transform(valid, orders))
})

test('the factory of facts derives what is not overridden', () => {
  expect(anOrderFact({ amount: 2_000_00 }).row).toMatchObject({ tax: 170_00, is_large: true })
  expect(anOrderFact({ amount: 2_000_00, tax: 1 }).row['tax']).toBe(1)
})
