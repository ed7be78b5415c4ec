import { expect, test } from 'vitest'
import { compile } from '../../etl/stream/compile.ts'
import type { Definition } from '../../etl/stream/definition.ts'
import { goods } from '../support/goods/goods.ts'
import { aHousekeeper } from '../support/housekeeper.ts'
import { aReplayer, replayed } from '../support/replayer.ts'
import { aRival, aVersion, currentOf, historyOf, proofOf, summed, untilWaiting } from '../support/versions.ts'
import { aWorld, type World } from '../support/world.ts'

/** Histories that keep two versions of each key: what was pruned doesn't come again, and the books know it. */

const pruned: Definition = {
  ...goods,
  identity: { latest: 'product_id', by: 'version', deletedWhen: 'is_gone', keepVersions: 2 },
}
const stream = compile(pruned)
const aPrunedWorld = () => aWorld({ stream: pruned, partitions: 1 })
const prune = async (world: World) => {
  const { keep, pool } = aHousekeeper(world)
  await pool.query(
    `update audit.pipeline_runs set started_at = started_at - interval '25 hours' where kind = 'housekeeping'`,
  )
  return keep({ stream })
}

test('versions beyond those kept go; what comes again of them is a duplicate that is not compared', async () => {
  const world = await aPrunedWorld()
  await world.produce([1, 2, 4, 5, 6].map((version) => aVersion('a', version)))
  await world.produce([aVersion('b', 1), aVersion('b', 2, { is_gone: true })])
  await world.runOnce()
  expect(await prune(world)).toMatchObject({ versions_pruned: 3 })
  expect(await historyOf(world)).toBe('a5 a6 b1 b2')
  const before = [await currentOf(world), await summed(world)]
  expect(await proofOf(world, pruned)).toMatchObject({
    balanced: true,
    findings: [],
    totals: { consumed: 7, loaded: 7 },
    everyRecord: { facts: 4, droppedOrPruned: 3 },
  })
  await world.produce([
    aVersion('a', 2, { price: 99 }),
    aVersion('a', 3),
    aVersion('a', 4),
    aVersion('a', 5),
    aVersion('b', 0),
  ])
  expect(await world.runOnce()).toMatchObject({ loaded: 1, duplicate: 4, deadLettered: 0 })
  expect(await historyOf(world)).toBe('a5 a6 b0 b1 b2')
  expect([await currentOf(world), await summed(world)]).toEqual(before)
  expect(await prune(world)).toMatchObject({ versions_pruned: 1 })
  await aReplayer(world, { stream })
  expect((await replayed(world)).result).toMatchObject({ facts: 4, changed: 0 })
  expect(await proofOf(world, pruned)).toMatchObject({ balanced: true, findings: [] })
  // Pruned once more, nothing is left to prune.
  expect(await prune(world)).toMatchObject({ versions_pruned: 0 })
})

test('a version that is pruned while its record waits to be loaded is not loaded again', async () => {
  const world = await aPrunedWorld()
  await world.produce([1, 2, 3].map((version) => aVersion('a', version)))
  await world.runOnce()
  const rival = await aRival(world)
  expect((await rival.query(`select audit.prune_versions('goods') as n`)).rows).toEqual([{ n: 1 }])
  await world.produce([aVersion('a', 0), aVersion('a', 4), aVersion('b', 1)])
  const run = world.runOnce()
  await untilWaiting(world)
  await rival.query('commit')
  expect(await run).toMatchObject({ status: 'succeeded', loaded: 2, duplicate: 1 })
  expect(await historyOf(world)).toBe('a2 a3 a4 b1')
  expect(await proofOf(world, pruned)).toMatchObject({ balanced: true, findings: [] })
})
