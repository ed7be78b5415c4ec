import { expect, test, vi } from 'vitest'
import { aBacklog, consumed, progressTo, SMALL_BATCHES } from '../support/fault-backlog.ts'
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
