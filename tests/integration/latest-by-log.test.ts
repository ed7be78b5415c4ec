import { expect, onTestFinished, test } from 'vitest'
import { connectProducer } from '../../etl/kafka/producer.ts'
import { withAdmin } from '../../etl/kafka/topics.ts'
import { lookAt, newIncarnation, requireMayGoOn } from '../../etl/partitions/stopped.ts'
import { compile } from '../../etl/stream/compile.ts'
import { ADA, redrive } from '../support/background.ts'
import { prices } from '../support/prices/prices.ts'
import { aReplayer, replayed } from '../support/replayer.ts'
import { aRival, noon, proofOf, untilWaiting } from '../support/versions.ts'
import { waitFor } from '../support/wait-for.ts'
import { aWorld, type World } from '../support/world.ts'

/** Streams whose versions the log itself orders. */

const aPricesWorld = (partitions = 1) => aWorld({ stream: prices, partitions })

/** @param price null deletes. */
const send = (world: World, partition: number, ...of: [sku: string, price: number | null][]) =>
  world.produceRecords(
    of.map(([sku, price]) => ({
      key: sku,
      value: price === null ? null : Buffer.from(JSON.stringify({ price, at: noon() })),
      partition,
    })),
  )

async function current({ pool }: World): Promise<string[]> {
  const { rows } = await pool.query<{ shown: string }>(
    `select concat_ws(' ', sku, coalesce(price::text, 'deleted'), log_incarnation || ':' || log_offset) as shown
     from warehouse.prices order by sku`,
  )
  return rows.map(({ shown }) => shown)
}

const counted = async ({ pool }: World) => {
  const { rows } = await pool.query<{ n: number; sum: string }>(
    'select sum(prices)::int as n, sum(price)::text as sum from warehouse.prices_by_day',
  )
  return rows[0]
}

test('the later record is the newer version, and one without a value deletes its key', async () => {
  const world = await aPricesWorld()
  await send(world, 0, ['a', 1], ['b', 2], ['a', 3], ['b', null], ['never', null])
  expect(await world.runOnce()).toMatchObject({ loaded: 5, deadLettered: 0 })
  expect(await current(world)).toEqual(['a 3.00 1:2', 'b deleted 1:3', 'never deleted 1:4'])
  expect(await counted(world)).toEqual({ n: 1, sum: '3.00' })
  await send(world, 0, ['b', 4], ['b', 4])
  expect(await world.runOnce()).toMatchObject({ loaded: 2, duplicate: 0 })
  expect(await current(world)).toContain('b 4.00 1:6')
  expect(await proofOf(world, prices)).toMatchObject({
    balanced: true,
    findings: [],
    everyRecord: { facts: 7 },
  })
})

test('a redriven record has the place of its first dead letter: what came later stays', async () => {
  const world = await aPricesWorld()
  await send(world, 0, ['a', -1], ['a', 2], ['b', -1])
  await world.runOnce({ deadLetterMaxRatio: 1 })
  const value = Buffer.from(JSON.stringify({ price: 9, at: noon() }))
  const letters = await world.deadLetters()
  for (const { id } of letters) await redrive(world, { ids: [id] }, { value })
  expect(await current(world)).toEqual(['a 2.00 1:1', 'b 9.00 1:2'])
  // Sent again once more it is the same version, and the same.
  await world.produceRecords([
    { key: 'a', value, partition: 0, headers: { 'redrive-of': `${world.topic}:0:0` } },
  ])
  expect(await world.runOnce()).toMatchObject({ loaded: 0, duplicate: 1 })
  await aReplayer(world, { stream: compile(prices) })
  expect((await replayed(world)).result).toMatchObject({ facts: 3, notValid: 2, changed: 0 })
  expect(await proofOf(world, prices)).toMatchObject({ balanced: true, findings: [] })
})

test('a key that is current from another partition of the incarnation is a dead letter, deleted or not', async () => {
  const world = await aPricesWorld(2)
  await send(world, 0, ['a', 1], ['b', 2], ['b', null])
  await world.runOnce()
  await send(world, 1, ['a', 3], ['b', 4], ['c', 5])
  expect(await world.runOnce({ deadLetterMaxRatio: 1 })).toMatchObject({ loaded: 1, deadLettered: 2 })
  expect(await world.deadLetters()).toMatchObject([
    {
      partition: 1,
      offset: 0,
      code: 'key_moved',
      issues: [{ field: 'sku', message: /^sku is a, .* partition 0;/ }],
    },
    { partition: 1, offset: 1, code: 'key_moved' },
  ])
  expect(await current(world)).toEqual(['a 1.00 1:0', 'b deleted 1:2', 'c 5.00 1:2'])
  expect(await proofOf(world, prices)).toMatchObject({ balanced: true, findings: [] })
})

test('a key that comes to another partition at this very moment is found there too', async () => {
  const world = await aPricesWorld()
  await send(world, 0, ['a', 1], ['b', 2])
  const rival = await aRival(world)
  await rival.query(
    `insert into warehouse.prices (source_partition, incarnation, source_offset, log_incarnation, log_offset, sku, price, at)
     values (9, 1, 0, 1, 0, 'a', 5, now())`,
  )
  const run = world.runOnce({ deadLetterMaxRatio: 1 })
  await untilWaiting(world)
  await rival.query('commit')
  expect(await run).toMatchObject({ status: 'succeeded', loaded: 1, deadLettered: 1 })
  expect(await world.deadLetters()).toMatchObject([{ code: 'key_moved' }])
  expect(await current(world)).toEqual(['a 5.00 1:0', 'b 2.00 1:1'])
})

test('a topic that grows stops the stream, until a new incarnation of all its partitions begins', async () => {
  const world = await aPricesWorld(2)
  await send(world, 0, ['a', 1])
  await send(world, 1, ['b', 1])
  await world.runOnce()
  // One of them has had a new incarnation before.
  const begin = async (partition: number, offset: number) =>
    newIncarnation(
      world.pool,
      ADA,
      await lookAt(world.pool, world.kafka, { topic: world.topic, partition }),
      offset,
    )
  await begin(1, 1)
  await withAdmin(world.kafka, (admin) =>
    admin.createPartitions({ topicPartitions: [{ topic: world.topic, count: 3 }] }),
  )
  await waitFor('the new partition', async () => (await world.bounds()).length === 3)
  await send(world, 0, ['b', 2])
  const worker = await world.openWorker({ owns: [0, 1, 2] })
  expect(await worker.runOnce()).toMatchObject({ loaded: 0, stopped: 3 })
  const there = await lookAt(world.pool, world.kafka, { topic: world.topic, partition: 0 })
  await expect(requireMayGoOn(world.kafka, there)).rejects.toThrow('partitions_grew')
  // One that knows the new partition.
  const producer = await connectProducer(world.kafka)
  onTestFinished(() => producer.disconnect())
  const value = Buffer.from(JSON.stringify({ price: 3, at: noon() }))
  await producer.send(world.topic, [{ key: 'a', value, partition: 2 }])
  await begin(1, 1)
  expect(await worker.runOnce()).toMatchObject({ loaded: 0, stopped: 2 })
  await begin(2, 0)
  await begin(0, 1)
  expect((await world.watermarks()).map(({ incarnation }) => incarnation)).toEqual([3, 3, 3])
  expect(await worker.runOnce()).toMatchObject({ loaded: 2, stopped: 0 })
  expect(await current(world)).toEqual(['a 3.00 3:0', 'b 2.00 3:1'])
  expect(await counted(world)).toEqual({ n: 2, sum: '5.00' })
})
