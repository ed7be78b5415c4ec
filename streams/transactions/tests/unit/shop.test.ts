import { describe, expect, test } from 'vitest'
import { messages, type Message, type MessageOptions } from '../../../../producer/messages.ts'
import { CATEGORIES } from '../../../shop/catalogue.ts'
import { CURRENCIES } from '../../../shop/sale.ts'

const START = Date.UTC(2026, 10, 21, 12)

/** With a clock that moves on by a millisecond with each look. */
function take(count: number, options: Partial<MessageOptions> = {}): Message[] {
  let time = START
  const now = () => time++
  const stream = messages({ seed: 1, now, invalidRatio: 0, duplicateRatio: 0, ...options })
  return Array.from({ length: count }, () => stream.next().value)
}

const fieldsOf = ({ value }: Message) =>
  JSON.parse(value!.toString()) as Record<string, string> & { amount: number }

test('a conflicting duplicate differs in the amount alone', () => {
  const run = take(20_000, { duplicateRatio: 0.3 })
  const originals = new Map(run.filter(({ kind }) => kind === 'valid').map((one) => [one.detail, one]))
  const conflicting = run.filter(({ kind }) => kind === 'conflicting')
  expect(conflicting.length).toBeGreaterThan(1_000)
  for (const message of conflicting) {
    const { amount, ...others } = fieldsOf(originals.get(message.detail)!)
    expect(fieldsOf(message)).toMatchObject(others)
    expect(fieldsOf(message).amount).not.toBe(amount)
  }
})

test('an order and its customer are what a message is named by', () => {
  for (const message of take(2_000)) {
    const { order_id: order, customer_id: customer } = fieldsOf(message)
    expect([order, customer]).toEqual([message.detail, message.key])
  }
})

describe('the shop', () => {
  const orders = take(40_000).map(fieldsOf)

  test('has repeat buyers, without one that buys it all', () => {
    const byCustomer = new Map<string, number>()
    for (const { customer_id } of orders) {
      byCustomer.set(customer_id!, (byCustomer.get(customer_id!) ?? 0) + 1)
    }
    const counts = [...byCustomer.values()].sort((a, b) => b - a)
    expect(counts[0]).toBeGreaterThan(100)
    expect(counts[0]! / orders.length).toBeLessThan(0.02)
    expect(counts.filter((count) => count > 1).length).toBeGreaterThan(5_000)
    expect(counts.filter((count) => count === 1).length).toBeGreaterThan(1_000)
  })

  test('has customers who stay with one currency', () => {
    const currencies = new Map<string, Set<string>>()
    for (const { customer_id, currency } of orders) {
      currencies.set(customer_id!, (currencies.get(customer_id!) ?? new Set()).add(currency!))
    }
    expect([...currencies.values()].every((seen) => seen.size === 1)).toBe(true)
    expect(new Set(orders.map(({ currency }) => currency))).toEqual(
      new Set(CURRENCIES.map(({ code }) => code)),
    )
  })

  test.each(CATEGORIES)(
    'sells $name within its prices',
    ({ name, weight, medianCents, minCents, maxCents }) => {
      const cents = orders
        .filter((order) => order['product_category'] === name)
        .map(({ amount }) => Math.round(amount * 100))
        .sort((a, b) => a - b)
      expect(cents.length / orders.length).toBeCloseTo(weight / 100, 1)
      expect(cents[0]).toBeGreaterThanOrEqual(minCents)
      expect(cents.at(-1)).toBeLessThanOrEqual(maxCents)
      const median = cents[Math.floor(cents.length / 2)]!
      expect(median / medianCents).toBeGreaterThan(0.85)
      expect(median / medianCents).toBeLessThan(1.15)
    },
  )

  test('has weights that read as per cent', () => {
    expect(CATEGORIES.reduce((sum, { weight }) => sum + weight, 0)).toBe(100)
  })

  test('has 2 to 3 per cent of orders above 1000, for the fraud rule to find', () => {
    const share = orders.filter(({ amount }) => amount > 1_000).length / orders.length
    expect(share).toBeGreaterThan(0.02)
    expect(share).toBeLessThan(0.03)
  })
})
