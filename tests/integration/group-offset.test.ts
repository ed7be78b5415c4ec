import { expect, test } from 'vitest'
import { addPartitions, deleteGroup, sendRaw } from '../support/kafka.ts'
import { runOnce } from '../../etl/job/run.ts'
import type { InProcessWorker } from '../support/worker.ts'
import { aLiveMessage, aWorld } from '../support/world.ts'

/** Also without a partition of its own. */
const runOf = ({ pipeline, settings }: InProcessWorker) =>
  runOnce(pipeline, settings, 'tick', new AbortController().signal)
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
  expect(world.logs.filter(({ msg }) => msg.includes('has no offset for partition'))).toMatchObject([
    { partition: 0, watermark: 5 },
  ])
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

test('a group offset that passes the watermark while a worker runs is an alarm, and its records are loaded all the same', async () => {
  const world = await aWorld({ partitions: 1 })
  await world.produce(some(5))
  const worker = await world.openWorker()
  await worker.runOnce()
  // As a copy of this warehouse in the same group does, which no name tells from it.
  await world.produce(some(3))
  await worker.pipeline.membership.commit(0, 8)

  const alarm = await worker.runOnce()
  expect(alarm).toMatchObject({ status: 'failed', loaded: 3 })
  expect(alarm.error).toContain('is 8, ahead of the watermark 5, though nobody else should move it')
  expect(world.logs.some(({ level, group_offset }) => level === 50 && group_offset === 8)).toBe(true)
  expect(await worker.runOnce()).toMatchObject({ status: 'succeeded' })
  expect(await world.groupOffsets()).toEqual(new Map([[0, 8]]))
  await world.assertBalanced()
})

test('a group offset that stays ahead of a partition that can’t catch up is told once', async () => {
  const world = await aWorld({ partitions: 1 })
  await world.produce(some(5))
  const before = await world.openWorker()
  await before.runOnce()
  await before.close()
  await world.pool.query('update partition_progress set next_offset = 2')
  const zombie = await world.openWorker({ owns: [] })
  for (const _ of [1, 2]) expect(await runOf(zombie)).toMatchObject({ status: 'succeeded', consumed: 0 })
  expect(world.logs.filter(({ msg }) => msg.includes('ahead of the watermark'))).toHaveLength(1)
})
