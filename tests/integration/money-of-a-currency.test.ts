import { randomUUID } from 'node:crypto'
import { assert, asyncProperty, array, integer, maxSafeInteger, option, record } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { plus, share } from '../../etl/stream/amount.ts'
import { amounts } from '../../etl/postgres/binary-arrays.ts'
import { reconcile } from '../../etl/reconcile/reconcile.ts'
import { compile, compileWith } from '../../etl/stream/compile.ts'
import { defineStream } from '../../etl/stream/define.ts'
import { toDecimal } from '../../etl/stream/money.ts'
import { count, currencyCode, day, decimal, instant, money, sum, text, uuid } from '../../etl/stream/words.ts'
import { ask, aReplayer, settled } from '../support/replayer.ts'
import { aWorld, type World } from '../support/world.ts'

/** Orders in euros, yen and dinars, as a shop and a Debezium connector write them. */
const orders = defineStream('orders', {
  title: 'order',
  topic: { key: 'order_id' },
  fields: {
    order_id: uuid(),
    at: instant({ column: 'ordered_at' }),
    currency: currencyCode({ column: 'iso_code' }),
    price: money({ of: 'currency', text: true, column: 'net' }),
    refund: money({ of: 'currency', min: -1_000_000 }).optional(),
    paid: money({ text: true, min: 0 }).default(0),
    weight: decimal({ digits: 9, scale: 3, encoding: 'connect' }).optional(),
    due: day({ epoch: 'days' }).optional(),
    // An alias of ours once.
    written_by: text(20).optional(),
  },
  eventTime: 'at',
  partitionBy: 'month',
  identity: { once: 'order_id', scope: 'event_time' },
  derived: { tax: money({ of: 'currency' }), total: money({ of: 'currency', column: 'gross' }) },
  rules: () => 85n,
  derive: ({ price }, perThousand) => {
    const tax = share(price, { numerator: perThousand, denominator: 1_000n })
    return { tax, total: plus(price, tax) }
  },
  rollups: {
    orders_by_day: {
      every: 'day',
      by: ['currency'],
      measures: { orders: count(), net: sum('price'), gross: sum('total'), refunds: sum('refund') },
    },
  },
  replayFigures: { total: { ...sum('total'), by: 'currency' }, tax: { ...sum('tax'), by: 'currency' } },
})

const at = new Date().toISOString()
const anOrder = (price: number | string, currency: string, rest = '') =>
  `{"order_id":"${randomUUID()}","at":"${at}","currency":"${currency}","price":${price}${rest}}`

async function proof(world: World) {
  const options = { pool: world.pool, stream: compile(orders), kafka: world.kafka, topic: world.topic }
  const { balanced, totals, checks } = await reconcile({ ...options, deep: true })
  return { balanced, totals, findings: checks.flatMap(({ findings }) => findings) }
}

const stored = async (world: World, columns: string) =>
  (
    await world.pool.query<Record<string, unknown>>(
      `select ${columns} from warehouse.orders order by source_offset`,
    )
  ).rows
const rollup = async (world: World) =>
  (
    await world.pool.query(
      `select iso_code, orders, net, gross, refunds from warehouse.orders_by_day order by 1`,
    )
  ).rows

test('amounts of any currency come to their columns as they were written, and to the sums', async () => {
  const world = await aWorld({ stream: orders, partitions: 1 })
  await world.produce([
    anOrder(12.5, 'EUR', ',"paid":"12.50","weight":"BOI=","due":20778,"refund":-0.01,"written_by":"ann"'),
    anOrder('"80071992547409.91"', 'USD'),
    anOrder('80071992547409.91', 'USD'),
    anOrder(1250, 'JPY'),
    anOrder(1.234, 'KWD'),
    anOrder(0.0001, 'CLF'),
    anOrder(1250.5, 'JPY'),
    anOrder('90071992547409.91', 'USD'),
  ])
  expect(await world.runOnce()).toMatchObject({ status: 'succeeded', loaded: 6, deadLettered: 2 })
  const large = { iso_code: 'USD', net: '80071992547409.9100', tax: '6806119366529.8400' }
  expect(
    await stored(world, 'iso_code, net, tax, gross, refund, paid, weight, due::text, written_by'),
  ).toEqual([
    {
      iso_code: 'EUR',
      net: '12.5000',
      tax: '1.0600',
      gross: '13.5600',
      refund: '-0.0100',
      paid: '12.50',
      weight: '1.250',
      due: '2026-11-21',
      written_by: 'ann',
    },
    expect.objectContaining(large),
    expect.objectContaining(large),
    expect.objectContaining({
      net: '1250.0000',
      tax: '106.0000',
      gross: '1356.0000',
      refund: null,
      paid: '0.00',
    }),
    expect.objectContaining({ net: '1.2340', tax: '0.1050', gross: '1.3390' }),
    expect.objectContaining({ net: '0.0001', tax: '0.0000', gross: '0.0001' }),
  ])
  expect(await rollup(world)).toEqual([
    { iso_code: 'CLF', orders: 1, net: '0.0001', gross: '0.0001', refunds: '0.0000' },
    { iso_code: 'EUR', orders: 1, net: '12.5000', gross: '13.5600', refunds: '-0.0100' },
    { iso_code: 'JPY', orders: 1, net: '1250.0000', gross: '1356.0000', refunds: '0.0000' },
    { iso_code: 'KWD', orders: 1, net: '1.2340', gross: '1.3390', refunds: '0.0000' },
    {
      iso_code: 'USD',
      orders: 2,
      net: '160143985094819.8200',
      gross: '173756223827879.5000',
      refunds: '0.0000',
    },
  ])
  expect(await world.deadLetters()).toMatchObject([
    {
      code: 'schema_violation',
      issues: [{ message: 'price is 1250.5; it must have no decimals, as JPY has' }],
    },
    {
      code: 'schema_violation',
      issues: [
        {
          field: '',
          message:
            "what is derived of it can't be: an amount of USD beyond 9007199254740991 of its smallest unit",
        },
      ],
    },
  ])
  expect(await proof(world)).toEqual({
    balanced: true,
    totals: { consumed: 8, loaded: 6, duplicate: 0, deadLettered: 2, skipped: 0 },
    findings: [],
  })
})

test('an amount comes again in other words, and is the same', async () => {
  const world = await aWorld({ stream: orders, partitions: 1 })
  const first = anOrder(12.5, 'EUR', ',"written_by":"ann"')
  await world.produce([first])
  await world.runOnce()
  await world.produce([
    first,
    first.replace('12.5', '"12.500"'),
    first.replace('12.5', '12.50000000000000000000'),
    first.replace('12.5', '12.51'),
    first.replace('ann', 'bob'),
  ])
  expect(await world.runOnce({ deadLetterMaxRatio: 1 })).toMatchObject({ duplicate: 3, deadLettered: 2 })
  expect(await world.deadLetters()).toMatchObject([
    { code: 'conflicting_duplicate', issues: [{ field: 'price' }] },
    { code: 'conflicting_duplicate', issues: [{ field: 'written_by' }] },
  ])
  expect(await proof(world)).toMatchObject({ balanced: true, findings: [] })
})

test('a replay computes amounts again, and the sums with them', async () => {
  const world = await aWorld({ stream: orders, partitions: 1 })
  await world.produce([anOrder(12.5, 'EUR'), anOrder(10, 'EUR'), anOrder(1250, 'JPY'), anOrder(0.5, 'KWD')])
  await world.runOnce()
  await aReplayer(world, { stream: compileWith(orders, 200n) })
  const { result } = await settled(world, await ask(world), 'succeeded')
  expect(result).toMatchObject({
    facts: 4,
    changed: 4,
    otherValues: 0,
    total: {
      EUR: { before: '24.4100', after: '27.0000' },
      JPY: { before: '1356.0000', after: '1500.0000' },
      KWD: { before: '0.5430', after: '0.6000' },
    },
    samples: [
      { before: { tax: '1.06', total: '13.56' }, after: { tax: '2.50', total: '15.00' } },
      {},
      {},
      {},
    ],
  })
  expect(await rollup(world)).toMatchObject([
    { iso_code: 'EUR', orders: 2, net: '22.5000', gross: '27.0000' },
    { iso_code: 'JPY', net: '1250.0000', gross: '1500.0000' },
    { iso_code: 'KWD', net: '0.5000', gross: '0.6000' },
  ])
  expect(await proof(world)).toMatchObject({ balanced: true, findings: [] })
})

describe('the binary form of amounts', () => {
  test('is what Postgres reads, of any scale', async () => {
    const world = await aWorld({ withoutTopics: true })
    const amount = record({ minor: maxSafeInteger(), exponent: integer({ min: 0, max: 4 }) })
    await assert(
      asyncProperty(array(option(amount), { minLength: 1, maxLength: 30 }), async (values) => {
        const { rows } = await world.pool.query<{ text: (string | null)[] }>(
          'select $1::numeric[]::text[] as text',
          [amounts(values)],
        )
        expect(rows[0]!.text).toEqual(
          values.map((one) => one && toDecimal(one.minor === 0 ? 0 : one.minor, one.exponent)),
        )
      }),
      { numRuns: 200 },
    )
  })
})
