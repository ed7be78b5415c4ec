import { expect, test } from 'vitest'
import { aTransactionalProducer, sendRaw } from '../support/kafka.ts'
import { marked, roles } from '../support/messages.ts'
import { aLiveMessage, aWorld, type World } from '../support/world.ts'

const several = (count: number, customer: string) =>
  Array.from({ length: count }, () => aLiveMessage(marked(customer)))
const customers = async (world: World) => [
  ...new Set((await world.facts()).map((fact) => String(fact[roles.columns[roles.mark]!]))),
]

test('records of aborted transactions are not loaded, those of committed ones are', async () => {
  const world = await aWorld({ partitions: 1 })
  const producer = await aTransactionalProducer(world)
  for (const end of ['commit', 'abort', 'commit', 'abort'] as const) {
    const transaction = await producer.begin()
    await transaction.send(several(10, end))
    await transaction[end]()
  }
  await world.produce(several(5, 'without'))

  expect(await world.runOnce()).toMatchObject({ status: 'succeeded', consumed: 25, loaded: 25 })

  expect(await customers(world)).toEqual(['commit', 'without'])
  // 40 in transactions, a mark at the end of each, 5 without.
  expect(await world.watermarks()).toMatchObject([{ next_offset: 49 }])
  await world.assertBalanced()
})

const withZeroKey = () => ({ key: Buffer.alloc(4), value: JSON.stringify(aLiveMessage()) })

test('an aborted record whose key is four zero bytes does not let the rest of its transaction through', async () => {
  const world = await aWorld({ partitions: 1 })
  const transaction = await (await aTransactionalProducer(world)).begin()
  // Sends of their own are batches of their own.
  for (let i = 0; i < 3; i++) await transaction.send([withZeroKey()])
  await transaction.abort()
  await world.produce(several(1, 'good'))

  expect(await world.runOnce()).toMatchObject({ consumed: 1, loaded: 1, deadLettered: 0 })
  expect(await world.watermarks()).toMatchObject([{ next_offset: 5 }])
})

test('an aborted tail moves the watermark, in a ledger row of no records', async () => {
  const world = await aWorld({ partitions: 1 })
  await world.produce(several(3, 'good'))
  await world.runOnce()
  const transaction = await (await aTransactionalProducer(world)).begin()
  await transaction.send(several(4, 'aborted'))
  await transaction.abort()

  expect(await world.runOnce()).toMatchObject({ status: 'succeeded', batches: 1, consumed: 0 })

  expect(await world.ledger()).toMatchObject([
    { from_offset: 0, to_offset: 3, consumed: 3 },
    { from_offset: 3, to_offset: 8, consumed: 0 },
  ])
  expect(await world.groupOffsets()).toEqual(new Map([[0, 8]]))
  await world.drained()
  await world.assertBalanced()
})

test('a commit mark at the end of the log does not keep a partition from being drained', async () => {
  const world = await aWorld({ partitions: 1 })
  const transaction = await (await aTransactionalProducer(world)).begin()
  await transaction.send(several(3, 'good'))
  await transaction.commit()
  expect(await world.runOnce({ batchSize: 3 })).toMatchObject({ loaded: 3 })
  await world.drained()
  expect(await world.runOnce()).toMatchObject({ batches: 0 })
  await world.assertBalanced()
})

test('an open transaction holds back what follows it, until it ends', async () => {
  const world = await aWorld({ partitions: 1 })
  await world.produce(several(2, 'before'))
  const transaction = await (await aTransactionalProducer(world)).begin()
  await transaction.send(several(2, 'inside'))
  await world.produce(several(2, 'after'))

  expect(await world.runOnce()).toMatchObject({ status: 'succeeded', loaded: 2 })
  expect(await customers(world)).toEqual(['before'])
  await world.drained()
  expect(await world.runOnce()).toMatchObject({ status: 'succeeded', batches: 0 })

  await transaction.commit()
  expect(await world.runOnce()).toMatchObject({ loaded: 4 })
  expect(await customers(world)).toEqual(['before', 'inside', 'after'])
  await world.assertBalanced()
})

test('transactions of two producers woven into each other end each for itself', async () => {
  const world = await aWorld({ partitions: 1 })
  const [one, other] = [await aTransactionalProducer(world), await aTransactionalProducer(world)]
  const [kept, dropped] = [await one.begin(), await other.begin()]
  for (let i = 0; i < 5; i++) {
    await kept.send(several(2, 'kept'))
    await dropped.send(several(2, 'dropped'))
    await sendRaw(world, [{ value: JSON.stringify(aLiveMessage(marked('plain'))) }])
  }
  await dropped.abort()
  await kept.commit()

  // Small batches: marks and aborted records fall on every place in and between them.
  expect(await world.runOnce({ batchSize: 2 })).toMatchObject({ loaded: 15, duplicate: 0 })
  expect((await customers(world)).sort()).toEqual(['kept', 'plain'])
  await world.drained()
  await world.assertBalanced()
})
