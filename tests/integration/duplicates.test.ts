import { expect, test } from 'vitest'
import { aLiveMessage, aWorld } from '../support/world.ts'

test('the same order again is a duplicate within a batch, across batches and across partitions', async () => {
  const world = await aWorld({ partitions: 2 })
  const order = aLiveMessage()
  await world.produce([order, aLiveMessage(), order, order])
  expect(await world.runOnce({ batchSize: 3 })).toMatchObject({ loaded: 2, duplicate: 2, deadLettered: 0 })

  // Beside a new order, too.
  await world.produce([order, aLiveMessage()], { partition: 1 })
  expect(await world.runOnce()).toMatchObject({ loaded: 1, duplicate: 1, deadLettered: 0 })
  await world.assertBalanced()
})

test('an order with another value is a conflict that names the field, in its own batch and later', async () => {
  const world = await aWorld({ partitions: 2 })
  const changes = [
    { amount: 7 },
    { currency: 'USD' },
    { timestamp: new Date(Date.now() - 60_000).toISOString() },
    { customer_id: 'another' },
    { product_category: 'another' },
  ]
  const orders = changes.map(() => aLiveMessage())
  const changed = orders.map((order, i) => ({ ...order, ...changes[i] }))
  await world.produce([...orders, ...changed])
  await world.runOnce()
  await world.produce(changed, { partition: 1 })
  await world.runOnce({ deadLetterMaxRatio: 1 })

  expect(await world.facts()).toHaveLength(5)
  const conflicts = changes.map((change, i) => ({
    offset: i,
    code: 'conflicting_duplicate',
    issues: [{ field: Object.keys(change)[0] }],
  }))
  expect(await world.deadLetters()).toMatchObject([
    ...conflicts.map((conflict) => ({ ...conflict, partition: 0, offset: conflict.offset + 5 })),
    ...conflicts.map((conflict) => ({ ...conflict, partition: 1 })),
  ])
  await world.assertBalanced()
})

test('an order in the warehouse decides over the lowest offset of a batch', async () => {
  const world = await aWorld({ partitions: 1 })
  const order = aLiveMessage({ amount: 5 })
  await world.produce([order])
  await world.runOnce()
  await world.produce([{ ...order, amount: 6 }, order])

  expect(await world.runOnce()).toMatchObject({ loaded: 0, duplicate: 1, deadLettered: 1 })

  expect(await world.deadLetters()).toMatchObject([{ offset: 1, code: 'conflicting_duplicate' }])
  expect(await world.facts()).toMatchObject([{ amount: '5.00', source_offset: 0 }])
})

test('an order written otherwise is the same order: case of its id, zone of its time, zeros, unknown fields', async () => {
  const world = await aWorld({ partitions: 1 })
  const id = 'abcdef00-aaaa-4bbb-8ccc-ddddeeee0001'
  const now = new Date()
  const elsewhere = `${new Date(now.getTime() + 19_800_000).toISOString().slice(0, -1)}+05:30`
  const order = aLiveMessage({ order_id: id, amount: 10, timestamp: now.toISOString() })
  await world.produce([
    order,
    { ...order, order_id: id.toUpperCase() },
    { ...order, timestamp: elsewhere },
    JSON.stringify(order).replace('"amount":10', '"amount":10.00'),
    { ...order, note: 'a field that nobody knows' },
  ])
  expect(await world.runOnce({ batchSize: 2 })).toMatchObject({ loaded: 1, duplicate: 4 })
  expect(await world.facts()).toMatchObject([{ order_id: id }])
})

test('orders that differ by a microsecond of their time alone are not the same', async () => {
  const world = await aWorld({ partitions: 1 })
  const second = new Date().toISOString().slice(0, 19)
  const order = aLiveMessage({ timestamp: `${second}.000001Z` })
  await world.produce([order])
  await world.runOnce()
  await world.produce([order, { ...order, timestamp: `${second}.000002Z` }])
  expect(await world.runOnce()).toMatchObject({ duplicate: 1, deadLettered: 1 })
})

test('of an order whose fact was dropped for its age the key still stands', async () => {
  const world = await aWorld({ partitions: 1 })
  const order = aLiveMessage()
  await world.produce([order])
  await world.runOnce()
  await world.pool.query('delete from transactions')
  await world.produce([
    { ...order, amount: 99 },
    { ...order, timestamp: new Date(0).toISOString() },
  ])
  expect(await world.runOnce({ maxAgeDays: 36_500 })).toMatchObject({
    loaded: 0,
    duplicate: 1,
    deadLettered: 1,
  })
})
