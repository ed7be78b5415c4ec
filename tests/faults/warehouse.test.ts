import { expect, test } from 'vitest'
import { aBacklog, SMALL_BATCHES, together } from '../support/fault-backlog.ts'
import { backUp, fingerprint, restore, wipe } from '../support/fault-restore.ts'
import { expectExactly } from '../support/fault-totals.ts'
import { aWorld, type World } from '../support/world.ts'

test('a warehouse that is lost is rebuilt from the topic, fact by fact and dead letter by dead letter', async () => {
  const world = await aWorld()
  const sent = await aBacklog(world, 3_000)
  await drainOnce(world)
  const before = await fingerprint(world)
  expect(before).toEqual({
    facts: expect.stringMatching(`^${sent.valid} [0-9a-f]{32}$`),
    dead_letters: expect.stringMatching(`^${sent.conflicting + sent.invalid} [0-9a-f]{32}$`),
  })

  await wipe(world)
  expect(await world.facts()).toEqual([])
  const etl = world.startEtl(SMALL_BATCHES)

  await expectExactly(world, sent)
  expect(await fingerprint(world)).toEqual(before)
  expect(await etl.stop()).toBe(0)
})

test('a warehouse restored from a backup loads again what came after it, though the group is ahead', async () => {
  const world = await aWorld()
  const early = await aBacklog(world, 1_500)
  await drainOnce(world)
  await backUp(world)
  const late = await aBacklog(world, 1_500)
  await drainOnce(world)
  const before = await fingerprint(world)

  await restore(world)
  expect(await world.facts()).toHaveLength(early.valid)
  const behind = await world.watermarks()
  const group = await world.groupOffsets()
  for (const { partition, next_offset } of behind) expect(group.get(partition)).toBeGreaterThan(next_offset)
  const etl = world.startEtl(SMALL_BATCHES)

  await expectExactly(world, together(early, late))
  expect(await fingerprint(world)).toEqual(before)
  expect(await etl.stop()).toBe(0)
})

/** A worker that comes, loads all there is, and goes. */
async function drainOnce(world: World): Promise<void> {
  const etl = world.startEtl(SMALL_BATCHES)
  await world.drained({ everyMs: 200 })
  expect(await etl.stop()).toBe(0)
}
