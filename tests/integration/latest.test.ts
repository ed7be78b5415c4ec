import { describe, expect, test } from 'vitest'
import { aGoodsWorld, aVersion, currentOf, historyOf, noon, proofOf, summed } from '../support/versions.ts'

/** Streams of versions: what becomes of each, and that the books know it. */

describe('versions of a key', () => {
  test('are all history, and the newest one is current, in whatever order they come', async () => {
    const world = await aGoodsWorld()
    await world.produce([aVersion('a', 1), aVersion('a', 3), aVersion('a', 2), aVersion('b', 7)])
    expect(await world.runOnce()).toMatchObject({ status: 'succeeded', loaded: 4 })
    expect(await currentOf(world)).toMatchObject([
      { product_id: 'a', version: 3, price: '13.00' },
      { product_id: 'b', version: 7 },
    ])
    await world.produce([aVersion('a', 0), aVersion('b', 8, { category: 'tools' }), aVersion('b', 6)])
    expect(await world.runOnce()).toMatchObject({ status: 'succeeded', loaded: 3 })
    expect(await historyOf(world)).toBe('a0 a1 a2 a3 b6 b7 b8')
    expect(await currentOf(world)).toMatchObject([{ version: 3 }, { version: 8 }])
    expect(await summed(world)).toEqual([
      { category: 'food', goods: 1, price: '13.00', gross: '14.30' },
      { category: 'tools', goods: 1, price: '18.00', gross: '19.80' },
    ])
    expect(await proofOf(world)).toMatchObject({
      balanced: true,
      findings: [],
      totals: { consumed: 7, loaded: 7 },
      everyRecord: { facts: 7 },
    })
  })

  test('that tie are duplicates where they say the same, else conflicts, and nothing changes', async () => {
    const world = await aGoodsWorld()
    const one = aVersion('a', 1)
    await world.produce([one, one, { ...one, price: 99 }, aVersion('a', 2)])
    await world.runOnce()
    await world.produce([one, { ...one, note: 'x' }, { ...one, updated_at: noon(2) }, aVersion('a', 2)])
    await world.runOnce({ deadLetterMaxRatio: 1 })
    expect(await historyOf(world)).toBe('a1 a2')
    expect(await currentOf(world)).toMatchObject([{ version: 2, price: '12.00' }])
    expect(await world.deadLetters()).toMatchObject([
      {
        offset: 2,
        code: 'conflicting_duplicate',
        issues: [{ field: 'price', message: /product a, version 1/ }],
      },
      { offset: 5, issues: [{ field: 'note' }] },
      { offset: 6, issues: [{ field: 'updated_at' }] },
    ])
    expect(await proofOf(world)).toMatchObject({
      balanced: true,
      findings: [],
      totals: { consumed: 8, loaded: 2, duplicate: 3, deadLettered: 3 },
    })
  })

  test('that are older than the current one are counted as such', async () => {
    const world = await aGoodsWorld()
    const worker = await world.openWorker()
    await world.produce([aVersion('a', 2), aVersion('a', 1), aVersion('a', 3), aVersion('a', 0)])
    await worker.runOnce()
    await world.produce([aVersion('a', -0.5), aVersion('b', 1), aVersion('b', 0)])
    await worker.runOnce()
    const text = await worker.metrics.text()
    expect(text).toContain('pulse_versions_older_total{stream="goods",partition="0"} 3')
  })
})

describe('a deletion', () => {
  test('keeps its key, takes it out of what counts, and an older version does not bring it back', async () => {
    const world = await aGoodsWorld()
    await world.produce([aVersion('a', 1), aVersion('b', 1), aVersion('a', 5, { is_gone: true })])
    await world.runOnce()
    await world.produce([aVersion('a', 4), aVersion('a', 2)])
    expect(await world.runOnce()).toMatchObject({ loaded: 2, deadLettered: 0 })
    expect(await currentOf(world)).toEqual([
      { product_id: 'a', version: 5, price: null, deleted: true },
      { product_id: 'b', version: 1, price: '11.00', deleted: false },
    ])
    const live = await world.pool.query('select product_id from warehouse.goods_live')
    expect(live.rows).toEqual([{ product_id: 'b' }])
    expect(await summed(world)).toEqual([{ category: 'food', goods: 1, price: '11.00', gross: '12.10' }])
    expect(await proofOf(world)).toMatchObject({ balanced: true, findings: [], totals: { loaded: 5 } })
  })

  test('is undone by a higher version only', async () => {
    const world = await aGoodsWorld()
    await world.produce([aVersion('a', 1), aVersion('a', 2, { is_gone: true }), aVersion('a', 3)])
    await world.runOnce()
    expect(await currentOf(world)).toMatchObject([{ version: 3, deleted: false }])
    await world.produce([aVersion('a', 4, { is_gone: true })])
    await world.runOnce()
    await world.produce([aVersion('a', 5, { price: 1 })])
    await world.runOnce()
    expect(await currentOf(world)).toEqual([{ product_id: 'a', version: 5, price: '1.00', deleted: false }])
    expect(await summed(world)).toEqual([{ category: 'food', goods: 1, price: '1.00', gross: '1.10' }])
    expect(await proofOf(world)).toMatchObject({ balanced: true, findings: [] })
  })

  test('needs its key and its version and nothing else', async () => {
    const world = await aGoodsWorld()
    await world.produce([
      aVersion('a', 1),
      { product_id: 'a', version: 2, is_gone: true, price: 'nothing' },
      { product_id: 'never there', version: 1, is_gone: true },
      { product_id: 'a', is_gone: true },
      { product_id: 'a', version: 2, is_gone: true, name: 'again' },
      aVersion('a', 2),
      { version: 3, is_gone: true, price: -1 },
    ])
    expect(await world.runOnce({ deadLetterMaxRatio: 1 })).toMatchObject({
      loaded: 3,
      duplicate: 1,
      deadLettered: 3,
    })
    expect(await world.deadLetters()).toMatchObject([
      { offset: 3, code: 'schema_violation', issues: [{ field: 'version' }] },
      { offset: 5, code: 'conflicting_duplicate', issues: [{ field: 'deleted_at' }] },
      { offset: 6, code: 'schema_violation', issues: [{ field: 'product_id' }] },
    ])
    expect(await currentOf(world)).toMatchObject([
      { product_id: 'a', version: 2, deleted: true },
      { product_id: 'never there', deleted: true },
    ])
    expect(await proofOf(world)).toMatchObject({ balanced: true, findings: [] })
  })
})

const at = (version: number, daysAgo: number, changes = {}) =>
  aVersion('a', version, { updated_at: noon(daysAgo), ...changes })

test('times of validity tile, whatever order versions come in and whatever their clocks say', async () => {
  const world = await aGoodsWorld()
  await world.produce([at(4, 6), at(1, 9), at(2, 7), at(3, 8), at(6, 3), at(5, 5, { is_gone: true })])
  await world.runOnce()
  const { rows } = await world.pool.query<{ version: number; begins: Date; ends: Date | null; now: boolean }>(
    `select version::int, valid_from as begins, valid_to as ends, is_current as now
     from warehouse.goods_versions order by version`,
  )
  // Version 3 has an earlier time than 2: it is valid from when 2 was. What was deleted is no row.
  const deleted = (
    await world.pool.query<{ at: Date }>(
      `select changed_at as at from warehouse.goods_history where version = 5`,
    )
  ).rows[0]!.at.toISOString()
  expect(
    rows.map(({ version, begins, ends }) => [version, begins.toISOString(), ends?.toISOString()]),
  ).toEqual([
    [1, noon(9), noon(7)],
    [2, noon(7), noon(7)],
    [3, noon(7), noon(6)],
    [4, noon(6), deleted],
    [6, deleted, undefined],
  ])
  expect(rows.filter(({ now }) => now)).toMatchObject([{ version: 6 }])
  expect(await proofOf(world)).toMatchObject({ balanced: true, findings: [] })
})

test.for([
  ['a current row that is lost', `delete from warehouse.goods where product_id = 'a'`, 'no current row'],
  [
    'a version that is lost',
    `delete from warehouse.goods_history where product_id = 'a' and version = 2`,
    'not the newest',
  ],
  [
    'a current row of an old version',
    `update warehouse.goods set version = 1 where product_id = 'a'`,
    'not the newest',
  ],
  ['other values', `update warehouse.goods set name = 'x' where product_id = 'a'`, 'differs'],
  ['a rollup that counts both', `update warehouse.goods_by_day set goods = goods + 1`, 'differs'],
])('reconcile finds %s', async ([, tampering, kind]) => {
  const world = await aGoodsWorld()
  await world.produce([aVersion('a', 1), aVersion('a', 2), aVersion('b', 1)])
  await world.runOnce()
  expect(await proofOf(world)).toMatchObject({ balanced: true })
  await world.pool.query(tampering!)
  const { balanced, findings } = await proofOf(world)
  expect(balanced).toBe(false)
  expect(findings.flatMap((check) => check.findings.map((group) => group.kind))).toContain(kind)
})
