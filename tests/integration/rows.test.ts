import { randomUUID } from 'node:crypto'
import { Client } from 'pg'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createEncoder } from '../../producer/encode.ts'
import { createRandom } from '../../producer/random.ts'
import { compile, compileWith } from '../../etl/stream/compile.ts'
import { defineStream } from '../../etl/stream/define.ts'
import { instant, int, rows, text } from '../../etl/stream/words.ts'
import { reportRights } from '../../scripts/rights/judge.ts'
import { redrive } from '../support/background.ts'
import { baskets } from '../support/basket.ts'
import { aHousekeeper, daysAgo } from '../support/housekeeper.ts'
import { provedBy } from '../support/reconciled.ts'
import { ask, aReplayer, settled } from '../support/replayer.ts'
import { waitFor } from '../support/wait-for.ts'
import { aWorld, type World } from '../support/world.ts'

/** Lines that hang on facts. */

const now = new Date().toISOString()
const aWorldOfBaskets = (options: Parameters<typeof aWorld>[0] = {}) =>
  aWorld({ stream: baskets, partitions: 1, ...options })

interface Item {
  readonly product: { readonly sku: string; readonly price: number }
  readonly quantity: number
  readonly [field: string]: unknown
}
const item = (sku: string, price = 12.5, rest: object = {}): Item => ({
  product: { sku, price },
  quantity: 2,
  ...rest,
})
const aBasket = (items: readonly unknown[], changes: object = {}) => ({
  order: { id: randomUUID() },
  at: now,
  customer: 'c-1',
  currency: 'EUR',
  items,
  ...changes,
})

const lines = async (world: World, columns = 'line_no, sku, quantity, price') =>
  (
    await world.pool.query<Record<string, unknown>>(
      `select ${columns} from warehouse.baskets_items join warehouse.baskets using (ordered_at, basket_id)
       order by source_offset, line_no`,
    )
  ).rows

describe('lines of a record', () => {
  test('are rows of their own, with every kind of value, and the fact has their number', async () => {
    const world = await aWorldOfBaskets()
    const full = {
      weight: 0.75,
      is_gift: true,
      kind: 'toy',
      due: '2026-12-24',
      packed: '2026-12-01T10:00:00.123456Z',
      tags: ['a', '"b"'],
      extra: { n: [1] },
      line_uuid: '3f2b8c1e-9a4d-4e6b-8f10-2c5d7a9b1e34',
    }
    await world.produce([
      aBasket([item('a', 12.5, full), item('b', 7)], {
        discounts: [{ code: 'X', currency: 'JPY', amount: 100 }],
      }),
      aBasket([]),
      aBasket([item('c', 0.01)], { currency: 'KWD' }),
    ])
    expect(await world.runOnce()).toMatchObject({ status: 'succeeded', loaded: 3 })
    expect(await lines(world, '*')).toMatchObject([
      {
        line_no: 1,
        sku: 'a',
        price: '12.5000',
        kilos: '0.75',
        is_gift: true,
        kind: 'toy',
        tags: ['a', '"b"'],
        extra: { n: [1] },
        line_uuid: full.line_uuid,
        items: 2,
        discounts: 1,
      },
      { line_no: 2, sku: 'b', price: '7.0000', kilos: null, is_gift: false, tags: null },
      { line_no: 1, sku: 'c', price: '0.0100', items: 1, discounts: null },
    ])
    const { rows: stored } = await world.pool.query(
      'select items, discounts, pieces from warehouse.baskets order by source_offset',
    )
    expect(stored).toEqual([
      { items: 2, discounts: 1, pieces: 4 },
      { items: 0, discounts: null, pieces: 0 },
      { items: 1, discounts: null, pieces: 2 },
    ])
    expect(await provedBy(world)).toMatchObject({ balanced: true, totals: { loaded: 3 }, told: [] })
  })

  test('make a dead letter of it where one is bad, which names it; mended and sent again, it is loaded', async () => {
    const world = await aWorldOfBaskets()
    const bad = aBasket([item('a'), item('b'), item('c'), item('d', 12.345)])
    await world.produce([bad])
    expect(await world.runOnce()).toMatchObject({ loaded: 0, deadLettered: 1 })
    const [letter] = await world.deadLetters()
    expect(letter).toMatchObject({
      code: 'schema_violation',
      issues: [
        {
          field: 'items[3].product.price',
          message: 'items[3].product.price is 12.345; it must have at most 2 decimals, as EUR has',
        },
      ],
    })
    const value = Buffer.from(JSON.stringify({ ...bad, items: bad.items.slice(0, 3) }))
    expect((await redrive(world, { ids: [letter!.id] }, { value })).run).toMatchObject({ loaded: 1 })
    expect(await lines(world)).toHaveLength(3)
    expect(await provedBy(world)).toMatchObject({ balanced: true, told: [] })
  })

  test('tell the same record from another: equal lines in the same order are a duplicate', async () => {
    const world = await aWorldOfBaskets()
    const basket = aBasket([item('a', 12.5, { tags: ['x'] }), item('b', 3)])
    const [a, b] = basket.items as [Item, Item]
    const again = (items: readonly unknown[]) => ({ ...basket, items })
    await world.produce([basket, basket])
    await world.runOnce()
    await world.produce([
      JSON.stringify(basket).replace('12.5', '12.500'),
      again([{ ...a, kind: null, is_gift: false }, b]),
      again([b, a]),
      again([a]),
      again([a, { ...b, quantity: 3 }]),
      again([a, { ...b, weight: 1 }]),
    ])
    expect(await world.runOnce({ deadLetterMaxRatio: 1 })).toMatchObject({ duplicate: 2, deadLettered: 4 })
    for (const { code, issues } of await world.deadLetters())
      expect({ code, issues }).toMatchObject({ code: 'conflicting_duplicate', issues: [{ field: 'items' }] })
    expect(await lines(world)).toHaveLength(2)
    expect(await provedBy(world)).toMatchObject({
      balanced: true,
      told: [],
      totals: { consumed: 8, loaded: 1, duplicate: 3, deadLettered: 4 },
      everyRecord: { duplicates: 3 },
    })
  })

  test('of a whole batch go in at once, as many as may be', async () => {
    const world = await aWorldOfBaskets()
    const many = Array.from({ length: 1_200 }, (_, i) => item(`sku ${i}`))
    await world.produce(Array.from({ length: 6 }, () => aBasket(many)))
    expect(await world.runOnce()).toMatchObject({ status: 'succeeded', loaded: 6 })
    expect(await lines(world, 'line_no')).toHaveLength(7_200)
    expect(await provedBy(world)).toMatchObject({ balanced: true, told: [] })
  })

  test('wait for a rival that holds the identity, and are those of whoever comes first', async () => {
    const world = await aWorldOfBaskets()
    const basket = aBasket([item('a'), item('b')])
    const rival = await world.pool.connect()
    onTestFinished(() => rival.release(true))
    await rival.query('begin')
    await rival.query('insert into warehouse.basket_keys (basket_id, ordered_at) values ($1, $2)', [
      basket.order.id,
      now,
    ])
    await world.produce([basket])
    const run = world.runOnce()
    await waitFor('the load to wait for the rival', async () => {
      const { rowCount } = await world.pool.query(
        `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      )
      return rowCount === 1
    })
    await rival.query('rollback')
    expect(await run).toMatchObject({ status: 'succeeded', loaded: 1 })
    expect(await lines(world)).toHaveLength(2)
  })
})

describe('reconcile', () => {
  test.each([
    [
      'a line that is gone',
      `delete from warehouse.baskets_items where line_no = 2`,
      [
        /^items: it has 1 line, by the fact 2$/,
        /every record: the fact's items is \[.*"a".*\], by the record \[/,
      ],
    ],
    [
      'a line without a fact',
      `create temp table one as select * from warehouse.baskets_items limit 1;
       update one set basket_id = '3f2b8c1e-9a4d-4e6b-8f10-2c5d7a9b1e34', line_no = 1;
       insert into warehouse.baskets_items select * from one`,
      [/^items: it has 1 line, but there is no fact$/],
    ],
    [
      'lines that are numbered otherwise',
      `update warehouse.baskets_items set line_no = 3 where line_no = 2`,
      [/^items: its 2 lines are numbered up to 3$/],
    ],
    [
      'a line with another value',
      `update warehouse.baskets_items set price = 12.51 where line_no = 1`,
      [/every record: the fact's items is \[.*12\.51/],
    ],
  ])('finds %s', async (_, sql, told) => {
    const world = await aWorldOfBaskets()
    await world.produce([aBasket([item('a'), item('b')])])
    await world.runOnce()
    expect(await provedBy(world)).toMatchObject({ balanced: true, told: [] })
    const client = await world.pool.connect()
    try {
      await client.query(sql)
    } finally {
      client.release(true)
    }
    const report = await provedBy(world)
    expect(report.balanced).toBe(false)
    expect(report.told).toEqual(told.map((one) => expect.stringMatching(one) as string))
  })
})

describe('a replay', () => {
  test('derives again of lines, and leaves a fact whose lines are not those of its record', async () => {
    const world = await aWorldOfBaskets()
    await world.produce([aBasket([item('a'), item('b')]), aBasket([item('c')]), aBasket([item('d')])])
    await world.runOnce()
    await world.pool.query(`update warehouse.baskets_items set quantity = 9 where sku = 'd'`)
    const stream = compileWith(
      { ...baskets, derive: ({ items }) => ({ pieces: (items as unknown[]).length }) },
      undefined,
    )
    await aReplayer(world, { stream })
    const { result } = await settled(world, await ask(world), 'succeeded')
    expect(result).toMatchObject({ records: 3, facts: 2, changed: 2, otherValues: 1 })
    const { rows: stored } = await world.pool.query(
      'select pieces from warehouse.baskets order by source_offset',
    )
    expect(stored).toEqual([{ pieces: 2 }, { pieces: 1 }, { pieces: 2 }])
  })
})

const months = async (world: World) =>
  (
    await world.pool.query<{ name: string }>(
      `select inhrelid::regclass::text as name from pg_inherits
       where inhparent::regclass::text in ('baskets', 'baskets_items', 'baskets_discounts',
         'warehouse.baskets', 'warehouse.baskets_items', 'warehouse.baskets_discounts') order by 1`,
    )
  ).rows.map(({ name }) => name.replace('warehouse.', ''))

describe('months of lines', () => {
  test('are made and dropped with those of the facts, and the books know it', async () => {
    const world = await aWorldOfBaskets({ env: { TRANSACTION_MAX_AGE_DAYS: '1000' } })
    const old = daysAgo(300)
    await world.produce([
      aBasket([item('a'), item('b')], { at: old, discounts: [{ code: 'X', currency: 'EUR', amount: 1 }] }),
      aBasket([item('c')]),
    ])
    await world.runOnce({ maxAgeDays: 1_000 })
    const ending = old.slice(0, 7).replace('-', '_')
    const ofOld = ['baskets', 'baskets_discounts', 'baskets_items'].map((table) => `${table}_${ending}`)
    expect(await months(world)).toEqual(expect.arrayContaining(ofOld))
    const { keep } = aHousekeeper(world, { RETENTION_DAYS: '100' })
    expect(await keep({ stream: compile(baskets) })).toMatchObject({ facts_dropped: 1 })
    expect((await months(world)).filter((name) => name.endsWith(ending))).toEqual([])
    expect(await lines(world)).toHaveLength(1)
    expect(await provedBy(world)).toMatchObject({ balanced: true, totals: { loaded: 2 }, told: [] })
  })

  test('stay, and the facts with them, where there are not as many lines as the facts say', async () => {
    const world = await aWorldOfBaskets()
    const old = daysAgo(100)
    await world.produce([aBasket([item('a'), item('b')], { at: old })])
    await world.runOnce()
    await world.pool.query('delete from warehouse.baskets_items where line_no = 1')
    const before = await months(world)
    await expect(
      world.pool.query(
        `select audit.drop_partition('baskets', date_trunc('month', $1::timestamptz, 'UTC')::date)`,
        [old],
      ),
    ).rejects.toThrow('it has 1 facts, but baskets_items has 1 lines of 2')
    expect(await months(world)).toEqual(before)
  })

  test('are made for facts that had their month before the lines were declared', async () => {
    const world = await aWorldOfBaskets()
    await world.pool.query(`select audit.ensure_partition('baskets', now())`)
    await world.pool.query(
      `do $$ begin execute 'drop table warehouse.baskets_items_' || to_char(now() at time zone 'UTC', 'YYYY_MM'); end $$`,
    )
    const { rows: made } = await world.pool.query(`select audit.ensure_partition('baskets', now()) as made`)
    expect(made).toEqual([{ made: true }])
    await world.produce([aBasket([item('a')])])
    expect(await world.runOnce()).toMatchObject({ status: 'succeeded', loaded: 1 })
  })
})

test('the loader adds lines, and neither changes nor deletes one', async () => {
  const world = await aWorldOfBaskets({ withoutTopics: true })
  const client = new Client({ connectionString: world.env['DATABASE_URL'] })
  await client.connect()
  onTestFinished(() => client.end())
  expect((await reportRights(client, [baskets])).findings).toEqual([])
  await client.query('set role pulse_loader')
  await client.query('select from warehouse.baskets_items')
  for (const act of [
    'delete from warehouse.baskets_items',
    'update warehouse.baskets_items set quantity = 1',
  ])
    await expect(client.query(act)).rejects.toThrow('permission denied')
})

/** By the facts' own key, of two fields. */
const visits = defineStream('visits', {
  title: 'visit',
  topic: { key: 'session' },
  fields: {
    session: text(20),
    page: int(),
    at: instant({ epoch: 'us' }),
    clicks: rows({ x: int(), note: text(9).optional() }).optional(),
  },
  eventTime: 'at',
  partitionBy: 'month',
  identity: { once: ['session', 'page'], scope: 'event_time' },
})

test('lines hang on facts whose own key is their identity too', async () => {
  const world = await aWorld({ stream: visits, partitions: 1 })
  const at = Date.now() * 1_000
  const visit = (page: number, clicks: unknown) => ({ session: 's', page, at, clicks })
  await world.produce([
    visit(1, [{ x: 1 }, { x: 2, note: 'n' }]),
    visit(1, [{ x: 1 }, { x: 2, note: 'n' }]),
    visit(2, null),
    visit(3, []),
  ])
  expect(await world.runOnce()).toMatchObject({ loaded: 3, duplicate: 1 })
  await world.produce([
    visit(1, [
      { x: 1, note: null },
      { x: 2, note: 'n' },
    ]),
    visit(2, []),
    visit(3, undefined),
    visit(3, [{ x: 1 }]),
    visit(4, [{ x: 1 }]),
  ])
  expect(await world.runOnce({ deadLetterMaxRatio: 1 })).toMatchObject({
    loaded: 1,
    duplicate: 1,
    deadLettered: 3,
  })
  expect(await provedBy(world)).toMatchObject({ balanced: true, told: [] })
})

test('what the producer draws is loaded, and every value comes back', async () => {
  const world = await aWorldOfBaskets()
  const random = createRandom(11)
  const encoder = createEncoder(baskets)
  const drawn = Array.from({ length: 200 }, () => ({
    ...Object.fromEntries(
      Object.entries(baskets.fields).map(([name, { kind }]) => [name, kind.sample(random, Date.now())]),
    ),
    at: Date.now() * 1_000,
  }))
  await world.produce(drawn.map((row) => encoder.text(row)))
  expect(await world.runOnce()).toMatchObject({ status: 'succeeded', loaded: 200, deadLettered: 0 })
  expect(await provedBy(world)).toMatchObject({ balanced: true, told: [], everyRecord: { facts: 200 } })
})
