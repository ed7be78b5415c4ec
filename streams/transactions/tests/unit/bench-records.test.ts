import { expect, test } from 'vitest'
import { recordsOf } from '../../../../scripts/bench/backlog.ts'
import { SCENARIOS, type Scenario } from '../../../../scripts/bench/scenarios.ts'

const RECORDS = 20_000
const V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

function take(scenario: Scenario, count: number) {
  const stream = recordsOf(scenario, count)
  return Array.from({ length: count }, () => stream.next().value)
}

const orders = (scenario: Scenario, count: number) =>
  take(scenario, count).map(({ value }) => JSON.parse(value!.toString()) as Record<string, unknown>)

const basket = ({ amount, currency, customer_id, product_category }: Record<string, unknown>) => [
  amount,
  currency,
  customer_id,
  product_category,
]
const ids = (scenario: Scenario) => orders(scenario, 5_000).map(({ order_id: id }) => id as string)

test('v4 and v7 are the same orders but for their ids', () => {
  const [v4, v7] = [orders(SCENARIOS.v4, 500), orders(SCENARIOS.v7, 500)]
  expect(v4.map(basket)).toEqual(v7.map(basket))
  for (const { order_id: id } of v4) expect(id).toMatch(V4)
  for (const { order_id: id } of v7) expect(id).toMatch(V7)
})

test('v4 ids are in no order, and none comes twice; v7 ids rise', () => {
  const v4 = ids(SCENARIOS.v4)
  expect(new Set(v4).size).toBe(v4.length)
  const falls = v4.filter((id, index) => index > 0 && id < v4[index - 1]!).length
  expect(falls / v4.length).toBeCloseTo(0.5, 1)
  const milliseconds = ids(SCENARIOS.v7).map((id) => id.slice(0, 13))
  expect(milliseconds).toEqual([...milliseconds].sort())
})

test('the mix has 2 % duplicates and 3 % dead letters, conflicting duplicates among them', () => {
  const kinds = Map.groupBy(take(SCENARIOS.mix, RECORDS), ({ kind }) => kind)
  const share = (kind: 'duplicate' | 'conflicting' | 'invalid') => (kinds.get(kind)?.length ?? 0) / RECORDS
  expect(share('duplicate')).toBeCloseTo(0.02, 2)
  expect(share('conflicting') + share('invalid')).toBeCloseTo(0.03, 2)
  expect(share('conflicting')).toBeGreaterThan(0.004)
})

test.each(['v7', 'v4', 'spread'] as const)('%s has valid records only', (name) => {
  expect(take(SCENARIOS[name], 5_000).every(({ kind }) => kind === 'valid')).toBe(true)
})

test('spread is over 24 hours, in no order', () => {
  const times = orders(SCENARIOS.spread, 5_000).map(({ timestamp }) => Date.parse(timestamp as string))
  const hours = (Math.max(...times) - Math.min(...times)) / 3_600_000
  expect(hours).toBeGreaterThan(23)
  expect(hours).toBeLessThanOrEqual(24)
  expect(times).not.toEqual([...times].sort((a, b) => a - b))
})
