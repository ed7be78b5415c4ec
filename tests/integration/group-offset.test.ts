import { expect, test } from 'vitest'
import { addPartitions, deleteGroup, sendRaw } from '../support/kafka.ts'
import { aLiveMessage, aWorld } from '../support/world.ts'

const some = (count: number) => Array.from({ length: count }, () => aLiveMessage())

test('the group’s offsets follow the watermarks', async () => {
  const world = await aWorld({ partitions: 2 })
  await world.produce(some(5))
  await world.produce(some(3), { partition: 1 })
  await world.runOnce()
  expect(await world.groupOffsets()).toEqual(
    new Map([
      [0, 5],
      [1, 3],
    ]),
  )
  await world.produce(some(2))
  await world.runOnce()
  expect(await world.groupOffsets()).toEqual(
    new Map([
      [0, 7],
      [1, 3],
    ]),
  )
})

test('without its offsets the group goes on from the watermarks, and has them again', async () => {
  const world = await aWorld({ partitions: 1 })
  await world.produce(some(5))
  const first = await world.openWorker()
  await first.runOnce()
  await first.pipeline.membership.leave()
  await deleteGroup(world)
  expect(await world.groupOffsets()).toEqual(new Map([[0, -1]]))

  await world.produce(some(2))
  expect(await world.runOnce()).toMatchObject({ consumed: 2, loaded: 2, duplicate: 0 })
  expect(await world.groupOffsets()).toEqual(new Map([[0, 7]]))
  await world.assertBalanced()
})

test('a run without new records makes good what an earlier one could not commit', async () => {
  const world = await aWorld({ partitions: 1 })
  await world.produce(some(5))
  const zombie = await world.openWorker({ owns: [0] })
  await zombie.runOnce()
  expect(await world.groupOffsets()).toEqual(new Map([[0, -1]]))
  expect(await world.runOnce()).toMatchObject({ batches: 0 })
  expect(await world.groupOffsets()).toEqual(new Map([[0, 5]]))
})

test('partitions that are added to the topic are loaded from their beginning', async () => {
  const world = await aWorld({ partitions: 1 })
  await world.produce(some(2))
  const before = await world.openWorker()
  await before.runOnce()
  await before.pipeline.membership.leave()
  await addPartitions(world, 2)
  await sendRaw(world, [{ partition: 1, value: JSON.stringify(aLiveMessage()) }])

  expect(await world.runOnce()).toMatchObject({ loaded: 1, partitions: 2 })
  await world.drained()
  await world.assertBalanced()
})
