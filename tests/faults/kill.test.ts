import { expect, test, vi } from 'vitest'
import { aBacklog, consumed, progressTo, SMALL_BATCHES } from '../support/fault-backlog.ts'
import { holdAt, isHeld, letGo } from '../support/fault-points.ts'
import { expectExactly } from '../support/fault-totals.ts'
import { aWorld } from '../support/world.ts'

// Sessions of the group that end by time, and servers that start: long on a busy machine.
vi.setConfig({ testTimeout: 120_000 })

test('a worker that is killed while it drains a backlog, again and again, loses nothing and loads nothing twice', async () => {
  const world = await aWorld()
  const sent = await aBacklog(world, 8_000)
  let before = 0
  for (const more of [1, 1_000, 2_500]) {
    const etl = world.startEtl(SMALL_BATCHES)
    before = await progressTo(world, before + more)
    etl.kill('SIGKILL')
    await etl.exited
  }
  expect(await consumed(world)).toBeLessThan(sent.total)

  const last = world.startEtl(SMALL_BATCHES)

  await expectExactly(world, sent)
  expect(await last.stop()).toBe(0)
})

test('a worker that is killed at any point of a load is made good by the next', async () => {
  const world = await aWorld({ partitions: 1 })
  const sent = await aBacklog(world, 1_000)

  for (const point of ['before the commit', 'between publishing and marking'] as const) {
    await holdAt(world.pool, point)
    const etl = world.startEtl(SMALL_BATCHES)
    await isHeld(world.pool)
    etl.kill('SIGKILL')
    await etl.exited
    await letGo(world.pool, point)
  }
  const last = world.startEtl(SMALL_BATCHES)

  await expectExactly(world, sent)
  expect(await last.stop()).toBe(0)
})

test('what is committed in the warehouse but not in the group when the worker is killed is not loaded twice', async () => {
  const world = await aWorld({ partitions: 1 })
  const sent = await aBacklog(world, 1_000)
  await holdAt(world.pool, 'in the commit')
  const etl = world.startEtl(SMALL_BATCHES)
  await isHeld(world.pool)

  etl.kill('SIGKILL')

  expect(await progressTo(world, 1)).toBe(50)
  expect(await world.groupOffsets()).toEqual(new Map([[0, -1]]))
  await letGo(world.pool, 'in the commit')
  const last = world.startEtl(SMALL_BATCHES)
  await expectExactly(world, sent)
  expect(await last.stop()).toBe(0)
})
