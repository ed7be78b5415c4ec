import { Client } from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { compile, compileWith } from '../../etl/stream/compile.ts'
import { defineStream } from '../../etl/stream/define.ts'
import { instant, int, key, rows, text } from '../../etl/stream/words.ts'
import { reportRights } from '../../scripts/rights/judge.ts'
import { purchases } from '../support/purchase.ts'
import { provedBy } from '../support/reconciled.ts'
import { ask, aReplayer, settled } from '../support/replayer.ts'
import { waitFor } from '../support/wait-for.ts'
import { aWorld, type World } from '../support/world.ts'

/** Lines that hang on the versions of a history. */

const now = Date.now()
const line = (sku: string, quantity = 1, price = 10) => ({ item: { sku }, quantity, price })
const aPurchase = (version: number, lines: readonly unknown[], changes: object = {}) => ({
  number: 'p-1',
  version,
  status: 'placed',
  currency: 'EUR',
  changed: now + version,
  lines,
  ...changes,
})
const aWorldOfPurchases = () => aWorld({ stream: purchases, partitions: 1 })

const read = async (world: World, sql: string): Promise<unknown[]> =>
  (await world.pool.query<Record<string, unknown>>(sql)).rows
const live = (world: World) =>
  read(
    world,
    'select version::int, line_no, sku, quantity::int from warehouse.purchases_lines_live order by line_no',
  )
const all = (world: World) =>
  read(world, 'select version::int, line_no, sku from warehouse.purchases_lines order by version, line_no')

test('each version has its lines, and those of the newest one are current, in whatever order they come', async () => {
  const world = await aWorldOfPurchases()
  await world.produce([aPurchase(2, [line('a'), line('b', 2)]), aPurchase(1, [line('a')])])
  expect(await world.runOnce()).toMatchObject({ status: 'succeeded', loaded: 2 })
  expect(await live(world)).toEqual([
    { version: 2, line_no: 1, sku: 'a', quantity: 1 },
    { version: 2, line_no: 2, sku: 'b', quantity: 2 },
  ])
  await world.produce([aPurchase(3, [line('c', 5)], { status: 'paid' })])
  await world.runOnce()
  expect(await live(world)).toEqual([{ version: 3, line_no: 1, sku: 'c', quantity: 5 }])
  expect(await all(world)).toEqual([
    { version: 1, line_no: 1, sku: 'a' },
    { version: 2, line_no: 1, sku: 'a' },
    { version: 2, line_no: 2, sku: 'b' },
    { version: 3, line_no: 1, sku: 'c' },
  ])
  expect(
    await read(
      world,
      'select status, sum(purchases)::int as purchases, sum(pieces)::int as pieces from warehouse.purchases_by_day group by status having sum(purchases) <> 0',
    ),
  ).toEqual([{ status: 'paid', purchases: 1, pieces: 5 }])
  expect(await provedBy(world)).toMatchObject({ balanced: true, told: [], everyRecord: { facts: 3 } })
})

test('the same version with equal lines is a duplicate, with others a conflict, and a deletion has none', async () => {
  const world = await aWorldOfPurchases()
  const first = aPurchase(1, [line('a'), line('b')])
  await world.produce([first])
  await world.runOnce()
  await world.produce([first, aPurchase(1, [line('b'), line('a')]), aPurchase(1, [line('a')])])
  expect(await world.runOnce({ deadLetterMaxRatio: 1 })).toMatchObject({ duplicate: 1, deadLettered: 2 })
  for (const { code, issues } of await world.deadLetters())
    expect({ code, issues }).toMatchObject({ code: 'conflicting_duplicate', issues: [{ field: 'lines' }] })

  await world.produce([{ number: 'p-1', version: 2, is_cancelled: true, lines: [line('x')] }])
  expect(await world.runOnce()).toMatchObject({ loaded: 1 })
  expect(await live(world)).toEqual([])
  expect(await all(world)).toHaveLength(2)
  await world.produce([aPurchase(3, [])])
  await world.runOnce()
  await world.produce([aPurchase(4, [line('back')])])
  await world.runOnce()
  expect(await live(world)).toMatchObject([{ version: 4, sku: 'back' }])
  expect(await provedBy(world)).toMatchObject({ balanced: true, told: [] })
})

test('a bad line makes a dead letter of its version, which names it', async () => {
  const world = await aWorldOfPurchases()
  await world.produce([aPurchase(1, [line('a'), line('b', 0)])])
  await world.runOnce({ deadLetterMaxRatio: 1 })
  expect(await world.deadLetters()).toMatchObject([{ issues: [{ field: 'lines[1].quantity' }] }])
  expect(await all(world)).toEqual([])
})

test('two workers on one key from two partitions: each version has its lines once', async () => {
  const world = await aWorld({ stream: purchases, partitions: 2 })
  const rival = await world.pool.connect()
  onTestFinished(() => rival.release(true))
  await world.produce([aPurchase(1, [line('a')])], { partition: 0 })
  await world.runOnce()
  // A rival holds the current row, as a load of another partition does while it replaces it.
  await rival.query('begin')
  await rival.query('select from warehouse.purchases for update')
  await world.produce([aPurchase(2, [line('b')])], { partition: 0 })
  await world.produce([aPurchase(2, [line('b')]), aPurchase(3, [line('c')])], { partition: 1 })
  const run = world.runOnce()
  await waitFor('a load to wait for the rival', async () => {
    const { rowCount } = await world.pool.query(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    )
    return Number(rowCount) > 0
  })
  await rival.query('rollback')
  expect(await run).toMatchObject({ status: 'succeeded', loaded: 2, duplicate: 1 })
  expect(await live(world)).toMatchObject([{ version: 3, sku: 'c' }])
  expect(await all(world)).toHaveLength(3)
  expect(await provedBy(world)).toMatchObject({ balanced: true, told: [] })
})

test.each([
  [
    'a line that is gone',
    `delete from warehouse.purchases_lines where version = 2`,
    /^lines: it has 0 lines, by the fact 1$/,
  ],
  [
    'a line with another value',
    `update warehouse.purchases_lines set quantity = 9 where version = 1`,
    /^every record: the fact's lines is \[.*9/,
  ],
])('reconcile finds %s, of a version that is no longer current too', async (_, sql, told) => {
  const world = await aWorldOfPurchases()
  await world.produce([aPurchase(1, [line('a')]), aPurchase(2, [line('b')])])
  await world.runOnce()
  expect(await provedBy(world)).toMatchObject({ balanced: true, told: [] })
  await world.pool.query(sql)
  const report = await provedBy(world)
  expect(report.balanced).toBe(false)
  expect(report.told[0]).toMatch(told)
})

test('a replay derives again of the lines of each version, and of the current row', async () => {
  const world = await aWorldOfPurchases()
  await world.produce([aPurchase(1, [line('a', 3)]), aPurchase(2, [line('a', 3), line('b', 4)])])
  await world.runOnce()
  const stream = compileWith(
    { ...purchases, derive: ({ lines }) => ({ pieces: (lines as unknown[]).length }) },
    undefined,
  )
  await aReplayer(world, { stream })
  await settled(world, await ask(world), 'succeeded')
  expect(
    await read(world, 'select version::int, pieces::int from warehouse.purchases_history order by version'),
  ).toEqual([
    { version: 1, pieces: 1 },
    { version: 2, pieces: 2 },
  ])
  expect(await read(world, 'select pieces::int from warehouse.purchases')).toEqual([{ pieces: 2 }])
  expect(await read(world, 'select sum(pieces)::int as pieces from warehouse.purchases_by_day')).toEqual([
    { pieces: 2 },
  ])
})

test('the loader adds lines of versions, and neither changes nor deletes one', async () => {
  const world = await aWorld({ stream: purchases, withoutTopics: true })
  const client = new Client({ connectionString: world.env['DATABASE_URL'] })
  await client.connect()
  onTestFinished(() => client.end())
  expect((await reportRights(client, [purchases])).findings).toEqual([])
  await client.query('set role pulse_loader')
  await client.query('select from warehouse.purchases_lines_live')
  await expect(client.query('delete from warehouse.purchases_lines')).rejects.toThrow('permission denied')
})

/** Ordered by its log: the lines hang on the place in it. */
const lists = defineStream('lists', {
  title: 'list',
  topic: { key: 'owner' },
  fields: {
    owner: text(20, { at: key() }),
    at: instant({ epoch: 'ms' }),
    wishes: rows({ sku: text(9), wanted: int().default(1) }).optional(),
  },
  eventTime: 'at',
  identity: { latest: 'owner', by: 'log' },
})

const ofMe = (wishes: unknown) => ({
  key: 'me',
  value: wishes === undefined ? null : Buffer.from(JSON.stringify({ at: now, wishes })),
  partition: 0,
})

test('lines of versions that the log orders, with a tombstone and a return', async () => {
  const world = await aWorld({ stream: lists, partitions: 1 })
  const skus = () => read(world, 'select sku from warehouse.lists_wishes_live order by line_no')
  await world.produceRecords([ofMe([{ sku: 'a' }, { sku: 'b' }]), ofMe([{ sku: 'c', wanted: 2 }])])
  expect(await world.runOnce()).toMatchObject({ loaded: 2 })
  expect(await skus()).toEqual([{ sku: 'c' }])
  await world.produceRecords([ofMe(undefined)])
  await world.runOnce()
  expect(await skus()).toEqual([])
  await world.produceRecords([ofMe(null), ofMe([{ sku: 'd' }])])
  expect(await world.runOnce()).toMatchObject({ loaded: 2 })
  expect(await skus()).toEqual([{ sku: 'd' }])
  expect(await provedBy(world)).toMatchObject({ balanced: true, told: [], everyRecord: { facts: 5 } })
  expect(compile(lists).isOfFacts('lists_wishes')).toBe(true)
})
