import { describe, expect, test } from 'vitest'
import { compileWith } from '../../etl/stream/compile.ts'
import { redrive } from '../support/background.ts'
import { goods } from '../support/goods/goods.ts'
import { aReplayer, ask, replayed, settled } from '../support/replayer.ts'
import {
  aGoodsWorld,
  aRival,
  aVersion,
  currentOf,
  historyOf,
  noon,
  proofOf,
  summed,
  untilWaiting,
} from '../support/versions.ts'
import type { World } from '../support/world.ts'

/** Versions of one key from several partitions at once, replays beside, other orders: what counts stays right. */

/** A rival's version, as a load of partition 9 writes it; gross is the price. */
const HISTORY = (key: string, version: number) =>
  `insert into warehouse.goods_history
     (source_partition, incarnation, source_offset, product_id, version, name, category, price, gross, is_gone, changed_at)
   values (9, 1, ${version}, '${key}', ${version}, 'rival', 'food', ${version * 100}, ${version * 100}, false, '${noon()}')`
const COLUMNS =
  'source_partition, incarnation, source_offset, product_id, version, name, category, price, gross, is_gone, changed_at'
const CURRENT = (key: string, version: number) =>
  `insert into warehouse.goods (${COLUMNS}) select ${COLUMNS} from warehouse.goods_history where product_id = '${key}' and version = ${version}
   on conflict (product_id) do update set version = excluded.version, name = excluded.name, price = excluded.price,
     gross = excluded.gross, source_partition = 9, source_offset = excluded.source_offset`
const SHARE = (many: number, amount: number) =>
  `insert into warehouse.goods_by_day (day, source_partition, category, goods, price, gross)
   values (date_trunc('day', '${noon()}'::timestamptz, 'UTC'), 9, 'food', ${many}, ${amount}, ${amount})
   on conflict (day, source_partition, category) do update set goods = goods_by_day.goods + excluded.goods,
     price = goods_by_day.price + excluded.price, gross = goods_by_day.gross + excluded.gross`

/** What reconcile says of rollup and current rows; the rival is in no ledger. */
async function wrong(world: World): Promise<string[]> {
  const { findings } = await proofOf(world)
  return findings.map(({ name }) => name).filter((name) => name === 'rollup' || name === 'current rows')
}

describe('two loads with one key from two partitions', () => {
  test.for([
    ['commits a newer version', 5, 'commit', { version: 5, price: '500.00' }],
    ['commits an older version', 2, 'commit', { version: 3, price: '13.00' }],
    ['rolls back a newer version', 5, 'rollback', { version: 3, price: '13.00' }],
  ] as const)('a new key, while a rival %s', async ([, version, end, expected]) => {
    const world = await aGoodsWorld()
    await world.produce([aVersion('a', 3), aVersion('b', 1)])
    const rival = await aRival(world)
    await rival.query(HISTORY('a', version))
    await rival.query(CURRENT('a', version))
    await rival.query(SHARE(1, version * 100))
    const run = world.runOnce()
    await untilWaiting(world)
    await rival.query(end)
    expect(await run).toMatchObject({ status: 'succeeded', loaded: 2 })
    expect(await currentOf(world)).toMatchObject([{ product_id: 'a', ...expected }, { product_id: 'b' }])
    expect(await wrong(world)).toEqual([])
  })

  test.for([
    ['older', 3],
    ['newer', 7],
  ] as const)(
    'a key whose row a rival has locked before it replaces it, with an %s version',
    async ([, version]) => {
      const world = await aGoodsWorld()
      await world.produce([aVersion('a', 1), aVersion('b', 1)])
      await world.runOnce()
      const rival = await aRival(world)
      await rival.query(HISTORY('a', 5))
      await rival.query(`select from warehouse.goods where product_id = 'a' for update`)
      await world.produce([aVersion('a', version), aVersion('b', 2)])
      const run = world.runOnce()
      await untilWaiting(world)
      await rival.query(CURRENT('a', 5))
      await rival.query(SHARE(0, 500 - 11))
      await rival.query(`update warehouse.goods_by_day set gross = gross - 1.1 where source_partition = 9`)
      await rival.query('commit')
      expect(await run).toMatchObject({ status: 'succeeded', loaded: 2, deadLettered: 0 })
      expect(await currentOf(world)).toMatchObject([{ version: Math.max(version, 5) }, { version: 2 }])
      expect(await wrong(world)).toEqual([])
    },
  )

  test('the very version that a rival has inserted is decided by what the rival does', async () => {
    const world = await aGoodsWorld()
    await world.produce([aVersion('a', 3)])
    const rival = await aRival(world)
    await rival.query(HISTORY('a', 3))
    await rival.query(CURRENT('a', 3))
    await rival.query(SHARE(1, 300))
    const run = world.runOnce({ deadLetterMaxRatio: 1 })
    await untilWaiting(world)
    await rival.query('commit')
    expect(await run).toMatchObject({ status: 'succeeded', loaded: 0, deadLettered: 1 })
    expect(await wrong(world)).toEqual([])
  })
})

/** Versions of few keys, drawn by a seed, some of them deletions. */
function drawn(seed: number, many: number, keys = 5): Record<string, unknown>[] {
  let state = seed
  const next = (below: number) => (state = (state * 48_271) % 2_147_483_647) % below
  return Array.from({ length: many }, () => {
    const version = next(400)
    return aVersion(`k${next(keys)}`, version, {
      is_gone: version % 7 === 0,
      category: version % 3 === 0 ? 'tools' : 'food',
      updated_at: noon(1 + (version % 3)),
    })
  })
}

test('two workers on two partitions with the same keys, and a replay beside them', async () => {
  const world = await aGoodsWorld({ partitions: 2 })
  for (const partition of [0, 1]) await world.produce(drawn(partition + 7, 600), { partition })
  const workers = await Promise.all([0, 1].map((owned) => world.openWorker({ owns: [owned] })))
  const changes = { batchSize: 20, deadLetterMaxRatio: 1 }
  const first = await Promise.all(workers.map((worker) => worker.runOnce(changes)))
  expect(first).toMatchObject([{ status: 'succeeded' }, { status: 'succeeded' }])
  for (const partition of [0, 1]) await world.produce(drawn(partition + 70, 600), { partition })
  await aReplayer(world, { stream: compileWith(goods, { percent: 20 }), batchSize: 30 })
  const action = await ask(world)
  const [second] = await Promise.all([
    Promise.all(workers.map((worker) => worker.runOnce({ ...changes, batchSize: 5 }))),
    settled(world, action, 'succeeded'),
  ])
  expect(second).toMatchObject([{ status: 'succeeded' }, { status: 'succeeded' }])
  const { rows } = await world.pool.query(
    `select product_id from warehouse.goods c
     where version <> (select max(version) from warehouse.goods_history h where h.product_id = c.product_id)`,
  )
  expect(rows).toEqual([])
  const proof = await proofOf(world)
  expect(proof).toMatchObject({ balanced: true, findings: [], totals: { consumed: 2_400 } })
})

test('a rebuild in another order of partitions is equal but for conflicts across them, and those are as many', async () => {
  const world = await aGoodsWorld({ partitions: 3 })
  for (const partition of [0, 1, 2]) await world.produce(drawn(partition + 1, 150), { partition })
  // Of one version each partition says something else; of another two say the same.
  for (const partition of [0, 1, 2])
    await world.produce(
      [aVersion('tie', 1, { price: 1 + partition }), aVersion('same', 1), aVersion('k0', 1_000 + partition)],
      { partition },
    )
  const load = async (order: readonly number[]) => {
    await world.pool.query(
      `truncate warehouse.goods, warehouse.goods_history, warehouse.goods_by_day, audit.dead_letters,
         audit.pipeline_batches, audit.partition_progress`,
    )
    for (const partition of order) {
      const worker = await world.openWorker({ owns: [partition] })
      const run = await worker.runOnce({ deadLetterMaxRatio: 1, batchSize: 17 })
      expect(run).toMatchObject({ status: 'succeeded' })
    }
    const { balanced, totals, findings } = await proofOf(world)
    expect({ balanced, findings }).toEqual({ balanced: true, findings: [] })
    return {
      totals,
      history: await historyOf(world),
      current: (await currentOf(world)).filter(({ product_id }) => product_id !== 'tie'),
      codes: (await world.deadLetters()).map(({ code }) => code),
    }
  }
  const first = await load([0, 1, 2])
  expect(await load([2, 1, 0])).toEqual(first)
  expect(await load([1, 2, 0])).toEqual(first)
  expect(first.codes).toContain('conflicting_duplicate')
  expect(first.totals.duplicate).toBeGreaterThan(0)
})

test('a redriven old version changes nothing but history', async () => {
  const world = await aGoodsWorld()
  await world.produce([aVersion('a', 1), aVersion('a', 2, { price: -1 }), aVersion('a', 3)])
  await world.runOnce({ deadLetterMaxRatio: 1 })
  const before = [await currentOf(world), await summed(world)]
  const [letter] = await world.deadLetters()
  const value = Buffer.from(JSON.stringify(aVersion('a', 2, { price: 2 })))
  expect((await redrive(world, { ids: [letter!.id] }, { value })).run).toMatchObject({ loaded: 1 })
  expect(await historyOf(world)).toBe('a1 a2 a3')
  expect([await currentOf(world), await summed(world)]).toEqual(before)
  expect(await world.deadLetters()).toMatchObject([
    { resolution: expect.stringContaining('loaded') as string },
  ])
  expect(await proofOf(world)).toMatchObject({ balanced: true, findings: [] })
})

describe('a replay', () => {
  const anew = compileWith(goods, { percent: 20 })

  test('computes all versions again, current rows and the rollup with them, and no deletion', async () => {
    const world = await aGoodsWorld()
    await world.produce([
      aVersion('a', 1),
      aVersion('a', 2),
      aVersion('b', 1),
      aVersion('b', 2, { is_gone: true }),
    ])
    await world.runOnce()
    await aReplayer(world, { stream: anew })
    const { result } = await replayed(world)
    expect(result).toMatchObject({ records: 4, facts: 4, changed: 3, withoutFact: 0, otherValues: 0 })
    const { rows } = await world.pool.query(
      `select product_id || version as of, gross from warehouse.goods_history order by 1`,
    )
    expect(rows).toEqual([
      { of: 'a1', gross: '13.20' },
      { of: 'a2', gross: '14.40' },
      { of: 'b1', gross: '13.20' },
      { of: 'b2', gross: null },
    ])
    expect(await summed(world)).toEqual([{ category: 'food', goods: 1, price: '12.00', gross: '14.40' }])
    expect(await proofOf(world)).toMatchObject({ balanced: true, findings: [] })
    expect((await replayed(world)).result).toMatchObject({ changed: 0 })
  })

  test('leaves a current row alone that a load has put in the place of its version meanwhile', async () => {
    const world = await aGoodsWorld()
    await world.produce([aVersion('a', 1), aVersion('b', 1)])
    await world.runOnce()
    const rival = await aRival(world)
    await rival.query(HISTORY('a', 5))
    await rival.query(`select from warehouse.goods where product_id = 'a' for update`)
    await aReplayer(world, { stream: anew })
    const action = await ask(world)
    await untilWaiting(world)
    await rival.query(CURRENT('a', 5))
    await rival.query(SHARE(0, 500 - 11))
    await rival.query(`update warehouse.goods_by_day set gross = gross - 1.1 where source_partition = 9`)
    await rival.query('commit')
    await settled(world, action, 'succeeded')
    const { rows } = await world.pool.query(`select product_id, gross from warehouse.goods order by 1`)
    expect(rows).toEqual([
      { product_id: 'a', gross: '500.00' },
      { product_id: 'b', gross: '13.20' },
    ])
    expect(await wrong(world)).toEqual([])
  })

  test('of a version whose share was taken over without a trace finds its cell anew', async () => {
    const world = await aGoodsWorld({ partitions: 2 })
    const [a, b] = await Promise.all([0, 1].map((owned) => world.openWorker({ owns: [owned] })))
    await world.produce([aVersion('a', 1, { price: 5 })])
    await a!.runOnce()
    await world.produce([aVersion('a', 2, { price: 5 })], { partition: 1 })
    await b!.runOnce()
    const cells = await world.pool.query('select from warehouse.goods_by_day')
    expect(cells.rowCount).toBe(1)
    await aReplayer(world, { stream: anew })
    expect((await replayed(world)).result).toMatchObject({ changed: 2 })
    expect(await summed(world)).toEqual([{ category: 'food', goods: 1, price: '5.00', gross: '6.00' }])
    expect(await proofOf(world)).toMatchObject({ balanced: true, findings: [] })
  })
})
