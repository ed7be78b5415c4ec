import { describe, expect, test } from 'vitest'
import { CATEGORIES, CURRENCIES } from '../../streams/transactions/samples.ts'
import { messages, RECENT_ORDERS, type Message, type MessageOptions } from '../../producer/messages.ts'
import { stream as transactions } from '../support/stream.ts'

const START = Date.UTC(2026, 10, 21, 12)

/** A clock that moves on by a millisecond with each look. */
function aClock(): () => number {
  let time = START
  return () => time++
}

function take(count: number, options: Partial<MessageOptions> = {}): Message[] {
  const stream = messages({ seed: 1, now: aClock(), invalidRatio: 0, duplicateRatio: 0, ...options })
  return Array.from({ length: count }, () => stream.next().value)
}

const fieldsOf = ({ value }: Message) =>
  JSON.parse(value!.toString()) as Record<string, string> & { amount: number }
const outcomeOf = ({ key, value }: Message) =>
  transactions.validate({ offset: 0, timestamp: START, key: Buffer.from(key), value, headers: [] }, 1_095)

const essence = (run: Message[]) =>
  run.map((message) => {
    const { amount, currency, customer_id, product_category } = fieldsOf(message)
    return { amount, currency, customer_id, product_category }
  })

describe('a run with a seed', () => {
  const faulty = { invalidRatio: 0.1, duplicateRatio: 0.1 }

  test('is the same run again, to the byte, with the same clock', () => {
    expect(JSON.stringify(take(5_000, faulty))).toBe(JSON.stringify(take(5_000, faulty)))
  })

  test('is the same but for ids and times with another clock', () => {
    const later = take(1_000, { now: () => START + 86_400_000 })
    expect(essence(later)).toEqual(essence(take(1_000)))
  })

  test('makes other orders when it is repeated, so that nothing conflicts', () => {
    const first = new Set(take(5_000).map((message) => message.detail))
    const second = take(5_000, { now: () => START + 86_400_000 })
    expect(second.filter((message) => first.has(message.detail))).toEqual([])
  })

  test('is another run with another seed', () => {
    expect(fieldsOf(take(1, { seed: 2 })[0]!)).not.toEqual(fieldsOf(take(1)[0]!))
  })
})

describe('the mix of records', () => {
  test('is all valid without shares', () => {
    expect(take(20_000).every((message) => message.kind === 'valid')).toBe(true)
  })

  test('has the shares that were asked for', () => {
    const run = take(20_000, { invalidRatio: 0.05, duplicateRatio: 0.2 })
    const share = (kind: string) => run.filter((message) => message.kind === kind).length / run.length
    expect(Math.abs(share('invalid') - 0.05)).toBeLessThan(0.01)
    expect(Math.abs(share('duplicate') - 0.15)).toBeLessThan(0.015)
    expect(Math.abs(share('conflicting') - 0.05)).toBeLessThan(0.01)
    expect(Math.abs(share('valid') - 0.75)).toBeLessThan(0.015)
  })

  test('may be all invalid', () => {
    expect(take(1_000, { invalidRatio: 1 }).every((message) => message.kind === 'invalid')).toBe(true)
  })

  test('repeats one order for ever when all are to be duplicates', () => {
    const [first, ...rest] = take(1_000, { duplicateRatio: 1 })
    expect(first!.kind).toBe('valid')
    expect(rest.every((message) => message.detail === first!.detail)).toBe(true)
  })

  test('may not have shares that exceed the whole', () => {
    expect(() => take(1, { invalidRatio: 0.6, duplicateRatio: 0.5 })).toThrow(RangeError)
  })
})

describe('duplicates', () => {
  const run = take(50_000, { invalidRatio: 0.05, duplicateRatio: 0.3 })
  const originals = new Map<string, { message: Message; sale: number }>()
  const repeats: { message: Message; original: Message; salesSince: number }[] = []
  for (const message of run) {
    if (message.kind === 'valid') originals.set(message.detail, { message, sale: originals.size })
    if (message.kind !== 'duplicate' && message.kind !== 'conflicting') continue
    const { message: original, sale } = originals.get(message.detail)!
    repeats.push({ message, original, salesSince: originals.size - sale })
  }

  const codes = (kind: string) =>
    new Set(repeats.filter(({ message }) => message.kind === kind).map(({ message }) => message.expectedCode))

  test('follow a valid order of which they have the key, so both are in one partition', () => {
    expect(repeats.length).toBeGreaterThan(10_000)
    expect(repeats.every(({ message, original }) => message.key === original.key)).toBe(true)
  })

  test('repeat one of the recent orders, near and far ones', () => {
    const distances = repeats.map(({ salesSince }) => salesSince)
    expect(Math.max(...distances)).toBeLessThanOrEqual(RECENT_ORDERS)
    expect(Math.max(...distances)).toBeGreaterThan(RECENT_ORDERS * 0.9)
    expect(Math.min(...distances)).toBeLessThan(RECENT_ORDERS * 0.1)
  })

  test('are the same to the byte, or differ in the amount alone', () => {
    const wrong = repeats.filter(({ message, original }) => {
      if (message.kind === 'duplicate') return !message.value!.equals(original.value!)
      const { amount } = fieldsOf(original)
      const differs = fieldsOf(message).amount !== amount
      return (
        !differs || JSON.stringify({ ...fieldsOf(message), amount }) !== JSON.stringify(fieldsOf(original))
      )
    })
    expect(wrong).toEqual([])
  })

  test('say what must become of them', () => {
    expect(codes('duplicate')).toEqual(new Set([undefined]))
    expect(codes('conflicting')).toEqual(new Set(['conflicting_duplicate']))
  })
})

describe('held against the ETL’s own validation', () => {
  const run = take(30_000, { invalidRatio: 0.3, duplicateRatio: 0.2 })

  test('everything but an invalid record keeps the contract', () => {
    const refused = run.filter((message) => message.kind !== 'invalid' && 'code' in outcomeOf(message))
    expect(refused).toEqual([])
  })

  test('every invalid record is refused with the code that it names', () => {
    const wrong = run
      .filter((message) => message.kind === 'invalid')
      .map((message) => ({ message, outcome: outcomeOf(message) }))
      .filter(({ message, outcome }) => !('code' in outcome) || outcome.code !== message.expectedCode)
    expect(wrong).toEqual([])
  })

  test('what is read is what was meant: the order_id, and its customer as the key', () => {
    for (const message of run.filter(({ kind }) => kind === 'valid').slice(0, 2_000)) {
      const outcome = outcomeOf(message)
      expect(outcome).toMatchObject({ row: { order_id: message.detail, customer_id: message.key } })
    }
  })
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
