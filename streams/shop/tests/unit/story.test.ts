import { describe, expect, test } from 'vitest'
import { compile } from '../../../../etl/stream/compile.ts'
import type { Row } from '../../../../etl/stream/field.ts'
import { createRandom } from '../../../../producer/random.ts'
import { stepsOf } from '../../../../producer/steps.ts'
import type { Message } from '../../../../producer/messages.ts'
import { streams } from '../../../index.ts'
import { FUNNEL, IS_REFUNDED, PAYMENT_FAILS, story } from '../../story.ts'

const START = Date.UTC(2026, 10, 21, 12)
const STEPS = 8_000

/** Some steps come within a millisecond, as they do at a high rate. */
function tell(seed: number) {
  const next = story.open(createRandom(seed))
  return Array.from({ length: STEPS }, (_, i) => next(START + Math.floor(i / 3)))
}

const told = tell(1)
const rowsOf = (stream: string): Row[] => told.flat().flatMap(([name, row]) => (name === stream ? [row] : []))
const groups = (rows: readonly Row[], by: string) => Map.groupBy(rows, (row) => row[by])

test('each step ends with its one transaction, so the producer counts sales', () => {
  for (const step of told) {
    expect(step.filter(([stream]) => stream === 'transactions')).toHaveLength(1)
    expect(step.at(-1)![0]).toBe('transactions')
  }
})

test('customers and products are told of before anybody buys, and what is paid is the catalogue’s price', () => {
  const prices = new Map<unknown, unknown>()
  const customers = new Set<unknown>()
  const pending = new Map<unknown, Row>()
  const wrong: unknown[] = []
  for (const [stream, row] of told.flat()) {
    if (stream === 'products') prices.set(row['product_id'], row['price'])
    if (stream === 'customers') customers.add(row['customer_id'])
    if (stream === 'sales' && row['status'] === 'pending') {
      pending.set(row['transaction_id'], row)
      const price = prices.get(row['product_id']) as number
      const isRight = row['unit_price'] === price && row['amount'] === price * (row['quantity'] as number)
      if (!isRight || !customers.has(row['customer_id'])) wrong.push(row)
    }
    if (stream === 'transactions') {
      const sale = pending.get(row['order_id'])
      if (['amount', 'customer_id', 'currency'].some((name) => sale?.[name] !== row[name])) wrong.push(row)
    }
  }
  expect(pending.size).toBeGreaterThan(STEPS)
  expect(wrong).toEqual([])
})

test('a version of a product or a customer is higher than those before, also within a millisecond', () => {
  for (const [stream, key] of [
    ['products', 'product_id'],
    ['customers', 'customer_id'],
  ] as const) {
    const versions = [...groups(rowsOf(stream), key).values()].map((rows) =>
      rows.map(({ version }) => version as number),
    )
    expect(versions.some((one) => one.length > 1)).toBe(true)
    for (const one of versions) expect(one).toEqual([...new Set(one)].toSorted((a, b) => a - b))
  }
})

test('a sale is pending, then completed or failed, and some are refunded', () => {
  const histories = [...groups(rowsOf('sales'), 'transaction_id').values()]
  const kinds = Map.groupBy(histories, (rows) => rows.map(({ status }) => status).join(' '))
  expect([...kinds.keys()].toSorted()).toEqual([
    'pending',
    'pending completed',
    'pending completed refunded',
    'pending failed',
  ])
  for (const rows of histories) expect(rows.map(({ version }) => version)).toEqual(rows.map((_, i) => i + 1))
  const share = (kind: string) => kinds.get(kind)!.length / histories.length
  expect(Math.abs(share('pending failed') - PAYMENT_FAILS)).toBeLessThan(0.01)
  expect(Math.abs(share('pending completed refunded') - IS_REFUNDED)).toBeLessThan(0.01)
  // Only what is not settled yet.
  expect(kinds.get('pending')!.length).toBeLessThan(40)
})

describe('visitors', () => {
  const sessions = [...groups(rowsOf('site_events'), 'session_id').values()]
  const withKind = (kind: string) =>
    sessions.filter((events) => events.some((event) => event['kind'] === kind))

  test('buy at the rate that the shop says', () => {
    const expected = (FUNNEL.cart * FUNNEL.checkout * FUNNEL.purchase) / 1e6
    expect(Math.abs(withKind('purchase').length / sessions.length - expected)).toBeLessThan(0.01)
    expect(withKind('purchase')).toHaveLength(
      rowsOf('sales').filter(({ status }) => status === 'pending').length,
    )
  })

  test('look, put in the cart, check out and buy in this order, and are known at the checkout', () => {
    const order = ['search', 'view', 'cart', 'checkout', 'purchase']
    for (const events of sessions) {
      const places = events.map(({ kind }) => order.indexOf(kind as string))
      expect(places).toEqual(places.toSorted((a, b) => a - b))
      const times = events.map(({ timestamp }) => timestamp as number)
      expect(times).toEqual([...new Set(times)].toSorted((a, b) => a - b))
    }
    const unknown = withKind('checkout').filter((events) =>
      events.some((event) => event['customer_id'] === null),
    )
    expect(unknown).toEqual([])
  })
})

/** What has no time in it. */
const essence = (run: ReturnType<typeof tell>) =>
  run
    .flat()
    .map(([stream, row]) => [stream, row['customer_id'], row['product_id'], row['amount'], row['status']])

test('with a seed it is the same shop again, on another day', () => {
  const seed = 2
  const run = (from: number) => {
    const next = story.open(createRandom(seed))
    return JSON.stringify(essence(Array.from({ length: 500 }, () => next(from))))
  }
  expect(run(START + 86_400_000)).toBe(run(START))
})

describe('as messages, with faults', () => {
  const compiled = new Map(streams.map((stream) => [stream.name, compile(stream)]))
  const steps = stepsOf(streams)({
    seed: 1,
    now: (() => {
      let time = START
      return () => time++
    })(),
    invalidRatio: 0.1,
    duplicateRatio: 0.1,
  })
  const messages = Array.from({ length: 1_000 }, () => steps.next().value).flat()
  const outcomeOf = ({ stream, key, value }: Message) =>
    compiled
      .get(stream)!
      .validate({ offset: 0, timestamp: START, key: Buffer.from(key), value, headers: [] }, 1_095)

  test.each(streams.map(({ name }) => name))('%s: each is taken or refused as it says', (name) => {
    const ofStream = messages.filter(({ stream }) => stream === name)
    const wrong = ofStream.filter((message) => {
      const outcome = outcomeOf(message)
      return message.kind === 'invalid'
        ? !('code' in outcome) || outcome.code !== message.expectedCode
        : 'code' in outcome
    })
    expect(wrong).toEqual([])
    for (const kind of ['valid', 'duplicate', 'conflicting', 'invalid'])
      expect(ofStream.some((message) => message.kind === kind)).toBe(true)
  })

  test('where all is to be faulty, a step still ends', () => {
    const all = stepsOf(streams)({ seed: 1, now: () => START, invalidRatio: 1, duplicateRatio: 0 })
    expect(all.next().value.every(({ kind }) => kind === 'invalid')).toBe(true)
  })
})

test('what the story leaves out is drawn by the word, so a new field needs no line in it', () => {
  const leavesOut = { streams: ['products'], open: () => () => [['products', { product_id: 'p' }]] as const }
  const [products] = streams.filter(({ name }) => name === 'products')
  const steps = stepsOf([products!, streams[0]!], leavesOut)
  const [first, second] = steps({ seed: 1, now: () => START, invalidRatio: 0, duplicateRatio: 0 }).next()
    .value
  expect(JSON.parse(String(first!.value))).toMatchObject({
    product_id: 'p',
    name: expect.any(String) as string,
  })
  // A stream that the story says nothing of has a record of its own.
  expect(second).toMatchObject({ stream: streams[0]!.name, kind: 'valid' })
})

test('of one stream it makes what its samples say, one record a step', () => {
  const [first] = streams
  const steps = stepsOf([first!])({ seed: 1, now: () => START, invalidRatio: 0, duplicateRatio: 0 })
  for (let i = 0; i < 100; i++) expect(steps.next().value).toMatchObject([{ stream: first!.name }])
})
