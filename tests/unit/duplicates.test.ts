import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { firstOfEachIdentity, settleDuplicates } from '../../etl/job/duplicates.ts'
import type { Fact } from '../../etl/stream/types.ts'
import type { Row } from '../../etl/stream/field.ts'
import { anOrder, anOrderFact, anOrderRecord, orders } from '../support/orders.ts'

const ORDER = '11111111-1111-4111-8111-111111111111'

/** The same order, at this offset. */
const again = (offset: number, changes: Parameters<typeof anOrderFact>[0] = {}) =>
  anOrderFact({ order_id: ORDER, offset, ...changes })

function settle(facts: readonly Fact[], existing: readonly Row[] = []) {
  const byIdentity = new Map(existing.map((row) => [orders.identity.of(row), row]))
  return settleDuplicates(orders, facts, firstOfEachIdentity(facts), byIdentity, (offset) =>
    anOrderRecord('', { offset }),
  )
}

const stored = (changes: Row = {}): Row => anOrder({ order_id: ORDER, ...changes })

test('the lowest offset wins, the same values again are duplicates', () => {
  const facts = [again(4), anOrderFact({ offset: 5 }), again(6), again(7)]
  const settled = settle(facts)
  expect(settled.fresh.map(({ offset }) => offset).sort((a, b) => a - b)).toEqual([4, 5])
  expect(settled).toMatchObject({ duplicates: 2, conflicts: [] })
})

test.for([
  ['amount', { amount: 1 }],
  ['currency', { currency: 'USD' }],
  ['placed', { placed: 1 }],
  ['customer', { customer: 'another' }],
  ['category', { category: 'another' }],
] as const)('another %s is a conflict that names it', ([field, change]) => {
  for (const settled of [settle([again(4), again(5, change)]), settle([again(5, change)], [stored()])]) {
    expect(settled.duplicates).toBe(0)
    expect(settled.conflicts).toMatchObject([
      { code: 'conflicting_duplicate', record: { offset: 5 }, issues: [{ field }] },
    ])
  }
})

test('a conflict names every field that differs, and the order', () => {
  const { conflicts } = settle([again(4), again(5, { amount: 1, currency: 'USD' })])
  expect(conflicts[0]?.issues.map(({ field }) => field)).toEqual(['amount', 'currency'])
  expect(conflicts[0]?.issues[0]?.message).toContain(ORDER)
})

test('what a rule derived does not make a conflict', () => {
  expect(settle([again(4), again(5, { tax: 0, is_large: true })]).duplicates).toBe(1)
})

test('an order in the warehouse decides over the batch’s lowest offset', () => {
  const settled = settle([again(4), again(5, { amount: 1 })], [stored({ amount: 1 })])
  expect(settled.fresh).toEqual([])
  expect(settled.conflicts.map(({ record }) => record.offset)).toEqual([4])
  expect(settled.duplicates).toBe(1)
})

test('of an order whose fact was dropped for its age only the timestamp is compared', () => {
  const old: Row = { order_id: ORDER, placed: anOrder()['placed'] }
  expect(settle([again(4, { amount: 1 })], [old]).duplicates).toBe(1)
  expect(settle([again(4, { placed: 1 })], [old]).conflicts).toHaveLength(1)
})

test('firsts are one for each identity, the lowest offset, sorted by it', () => {
  const [b, a] = ['bbbbbbbb-1111-4111-8111-111111111111', 'aaaaaaaa-1111-4111-8111-111111111111']
  const firsts = firstOfEachIdentity(
    [b, a, b, a].map((order_id, offset) => anOrderFact({ order_id, offset })),
  )
  expect(firsts.map(({ identity, offset }) => [identity, offset])).toEqual([
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
        anOrderFact({ order_id: numbered(n), amount: amount + 1, offset }),
      )
      const existing = [...new Set(there)]
        .filter((n) => sent.some((one) => one.order === n))
        .map((n) => stored({ order_id: numbered(n) }))
      const { fresh, duplicates, conflicts } = settle(facts, existing)
      expect(fresh.length + duplicates + conflicts.length).toBe(facts.length)
      expect(new Set(fresh.map(({ identity }) => identity)).size).toBe(fresh.length)
    }),
  )
})
