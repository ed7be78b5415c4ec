import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { firstOfEachOrder, settleDuplicates } from '../../etl/job/duplicates.ts'
import type { Fact } from '../../etl/stream/types.ts'
import type { ExistingOrder } from '../../etl/stream/keys.ts'
import { aFact, aRecord, aTransaction } from '../support/a-transaction.ts'

const ORDER = '11111111-1111-4111-8111-111111111111'

/** The same order, at this offset. */
const again = (offset: number, changes: Partial<Fact> = {}) => aFact({ orderId: ORDER, offset, ...changes })

function settle(facts: readonly Fact[], existing: readonly ExistingOrder[] = []) {
  const byOrder = new Map(existing.map((order) => [order.orderId, order]))
  return settleDuplicates(facts, firstOfEachOrder(facts), byOrder, (offset) => aRecord({ offset }))
}

const stored = (changes: Partial<ExistingOrder['values']> = {}): ExistingOrder => {
  const { orderId, timestampMicros, ...values } = aTransaction({ orderId: ORDER })
  return { orderId, timestampMicros, values: { ...values, ...changes } }
}

test('the lowest offset wins, the same values again are duplicates', () => {
  const facts = [again(4), aFact({ offset: 5 }), again(6), again(7)]
  const settled = settle(facts)
  expect(settled.fresh.map(({ offset }) => offset).sort((a, b) => a - b)).toEqual([4, 5])
  expect(settled).toMatchObject({ duplicates: 2, conflicts: [] })
})

test.for([
  ['amount', { amountCents: 1 }],
  ['currency', { currency: 'USD' }],
  ['timestamp', { timestampMicros: 1 }],
  ['customer_id', { customerId: 'another' }],
  ['product_category', { productCategory: 'another' }],
] as const)('another %s is a conflict that names it', ([field, change]) => {
  for (const settled of [settle([again(4), again(5, change)]), settle([again(5, change)], [stored()])]) {
    expect(settled.duplicates).toBe(0)
    expect(settled.conflicts).toMatchObject([
      { code: 'conflicting_duplicate', record: { offset: 5 }, issues: [{ field }] },
    ])
  }
})

test('a conflict names every field that differs, and the order', () => {
  const { conflicts } = settle([again(4), again(5, { amountCents: 1, currency: 'USD' })])
  expect(conflicts[0]?.issues.map(({ field }) => field)).toEqual(['amount', 'currency'])
  expect(conflicts[0]?.issues[0]?.message).toContain(ORDER)
})

test('what a rule derived does not make a conflict', () => {
  expect(settle([again(4), again(5, { taxCents: 0, totalCents: 0, isFraudFlagged: true })]).duplicates).toBe(
    1,
  )
})

test('an order in the warehouse decides over the batch’s lowest offset', () => {
  const settled = settle([again(4), again(5, { amountCents: 1 })], [stored({ amountCents: 1 })])
  expect(settled.fresh).toEqual([])
  expect(settled.conflicts.map(({ record }) => record.offset)).toEqual([4])
  expect(settled.duplicates).toBe(1)
})

test('of an order whose fact was dropped for its age only the timestamp is compared', () => {
  const old = { ...stored(), values: undefined }
  expect(settle([again(4, { amountCents: 1 })], [old]).duplicates).toBe(1)
  expect(settle([again(4, { timestampMicros: 1 })], [old]).conflicts).toHaveLength(1)
})

test('firsts are one for each order, the lowest offset, sorted by order', () => {
  const [b, a] = ['bbbbbbbb-1111-4111-8111-111111111111', 'aaaaaaaa-1111-4111-8111-111111111111']
  const firsts = firstOfEachOrder([b, a, b, a].map((orderId, offset) => aFact({ orderId, offset })))
  expect(firsts.map(({ orderId, offset }) => [orderId, offset])).toEqual([
    [a, 1],
    [b, 0],
  ])
})

const numbered = (n: number) => `00000000-0000-4000-8000-00000000000${n}`

test('every fact becomes exactly one thing', () => {
  const few = fc.integer({ min: 0, max: 3 })
  fc.assert(
    fc.property(fc.array(fc.record({ order: few, amount: few })), fc.array(few), (sent, there) => {
      const facts = sent.map(({ order: n, amount }, offset) =>
        aFact({ orderId: numbered(n), amountCents: amount + 1, offset }),
      )
      const existing = [...new Set(there)]
        .filter((n) => sent.some((one) => one.order === n))
        .map((n) => ({ ...stored(), orderId: numbered(n) }))
      const { fresh, duplicates, conflicts } = settle(facts, existing)
      expect(fresh.length + duplicates + conflicts.length).toBe(facts.length)
      expect(new Set(fresh.map(({ orderId }) => orderId)).size).toBe(fresh.length)
    }),
  )
})
