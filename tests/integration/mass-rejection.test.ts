import { expect, test } from 'vitest'
import { continuePartition } from '../../etl/ledger/watermark.ts'
import { aLiveMessage, aWorld, type World } from '../support/world.ts'

const garbage = (count: number) => Array.from({ length: count }, (_, i) => `garbage ${i}`)
const good = (count: number) => Array.from({ length: count }, () => aLiveMessage())
/** A share of garbage, evenly among good ones. */
const mixed = (count: number, share: number) =>
  Array.from({ length: count }, (_, i) =>
    Math.floor((i + 1) * share) > Math.floor(i * share) ? 'garbage' : aLiveMessage(),
  )
const letGoOn = async (world: World, until: number) =>
  expect(await continuePartition(world.pool, { topic: world.topic, partition: 0 }, until)).toBe(true)

test('60 % garbage stops its partition with a reason, loads nothing of it, and others go on', async () => {
  const world = await aWorld({ partitions: 2 })
  await world.produce(mixed(1_000, 0.6))
  await world.produce(good(300), { partition: 1 })

  expect(await world.runOnce({ batchSize: 100 })).toMatchObject({
    status: 'succeeded',
    loaded: 300,
    stopped: 1,
  })

  expect(await world.watermarks()).toMatchObject([
    {
      next_offset: 0,
      stop_code: 'mass_rejection',
      stop_reason: expect.stringMatching(/^60 of the last 100 records would be dead letters/) as string,
    },
    { next_offset: 300, stop_code: null },
  ])
  expect(await world.deadLetters()).toEqual([])
  expect(
    world.logs.filter(({ level, msg }) => level === 50 && msg.startsWith('partition stopped')),
  ).toHaveLength(1)

  expect(await world.runOnce()).toMatchObject({ consumed: 0, stopped: 1 })
  await world.assertBalanced()
})

test('49 % garbage does not stop it', async () => {
  const world = await aWorld({ partitions: 1 })
  await world.produce(mixed(1_000, 0.49))
  expect(await world.runOnce({ batchSize: 100 })).toMatchObject({
    loaded: 510,
    deadLettered: 490,
    stopped: 0,
  })
  await world.assertBalanced()
})

test('a partition that was let go on accepts what its log held then, and stops again at new garbage', async () => {
  const world = await aWorld({ partitions: 1 })
  await world.produce([...good(250), ...garbage(450)])
  expect(await world.runOnce({ batchSize: 100 })).toMatchObject({ stopped: 1 })

  await letGoOn(world, 700)
  expect(await world.runOnce({ batchSize: 100 })).toMatchObject({ stopped: 0 })
  expect(await world.deadLetters()).toHaveLength(450)

  // Judged anew: what was accepted weighs in no more.
  await world.produce([...good(10), ...garbage(9)])
  expect(await world.runOnce({ batchSize: 100 })).toMatchObject({ stopped: 0, deadLettered: 9 })
  await world.produce(garbage(100))
  expect(await world.runOnce({ batchSize: 100 })).toMatchObject({ stopped: 1, consumed: 0 })
  expect(await world.watermarks()).toMatchObject([{ next_offset: 719, accepted_until: 700 }])
  await world.assertBalanced()
})

test('small batches of nothing but garbage stop it once they are 20 records together', async () => {
  const world = await aWorld({ partitions: 1 })
  await world.produce(garbage(70))
  expect(await world.runOnce({ batchSize: 7 })).toMatchObject({ stopped: 1, deadLettered: 14 })
  expect(await world.watermarks()).toMatchObject([{ next_offset: 14 }])
  await world.assertBalanced()
})

test('a window is as many whole batches before as make 200 records: older ones are forgotten', async () => {
  const world = await aWorld({ partitions: 1 })
  // With the first 50 it would be 141 of the last 251.
  await world.produce(garbage(50))
  expect(await world.runOnce({ deadLetterMaxRatio: 1 })).toMatchObject({ deadLettered: 50 })
  await world.produce([...good(110), ...garbage(90)])
  expect(await world.runOnce({ batchSize: 50 })).toMatchObject({ stopped: 0, loaded: 110, deadLettered: 90 })
  await world.produce(garbage(1))
  expect(await world.runOnce({ batchSize: 50 })).toMatchObject({ stopped: 0 })
  await world.produce(garbage(50))
  expect(await world.runOnce({ batchSize: 50 })).toMatchObject({ stopped: 1 })
  await world.assertBalanced()
})

test('only a stop for mass rejection can be let go on', async () => {
  const world = await aWorld({ partitions: 1 })
  await world.produce(good(1))
  await world.runOnce()
  expect(await continuePartition(world.pool, { topic: world.topic, partition: 0 }, 10)).toBe(false)
  await world.pool.query(`update partition_progress set stopped_at = now(), stop_code = 'log_differs'`)
  expect(await continuePartition(world.pool, { topic: world.topic, partition: 0 }, 10)).toBe(false)
})
