import { expect, test } from 'vitest'
import { sendRaw } from '../support/kafka.ts'
import { aLiveMessage, aWorld, type World } from '../support/world.ts'

/** From now on Postgres refuses facts of this customer. */
const refuse = (world: World, customer: string) =>
  world.pool.query(
    `alter table warehouse.transactions add constraint no_poison check (customer_id <> '${customer}')`,
  )

const aThousand = (changes: Record<number, object> = {}) =>
  Array.from({ length: 1_000 }, (_, i) => aLiveMessage({ customer_id: `c${i}`, ...changes[i] }))

test('of 1,000 records one that only Postgres refuses is a dead letter, and 999 are loaded', async () => {
  const world = await aWorld({ partitions: 1 })
  await refuse(world, 'poison')
  await world.produce(aThousand({ 617: { customer_id: 'poison' } }))

  const run = await world.runOnce()

  expect(run).toMatchObject({ status: 'succeeded', consumed: 1_000, loaded: 999, deadLettered: 1 })
  expect(await world.deadLetters()).toMatchObject([
    { offset: 617, code: 'rejected_by_warehouse', issues: [{ message: /23514.*no_poison/ }] },
  ])
  await world.drained()
  await world.assertBalanced()
  expect(await world.dlqMessages()).toHaveLength(1)
})

test('several poisonous records in batches with garbage and repeats each end as they must', async () => {
  const world = await aWorld({ partitions: 1 })
  await refuse(world, 'poison')
  const repeated = aLiveMessage()
  const records = Array.from({ length: 120 }, (_, i) => {
    if (i % 40 === 7) return aLiveMessage({ customer_id: 'poison' })
    if (i % 10 === 3) return 'garbage'
    return i % 10 === 5 ? repeated : aLiveMessage()
  })
  await world.produce(records)

  expect(await world.runOnce({ batchSize: 50 })).toMatchObject({
    status: 'succeeded',
    consumed: 120,
    duplicate: 11,
    deadLettered: 15,
  })
  const codes = (await world.deadLetters()).map(({ code }) => code)
  expect(codes.filter((code) => code === 'rejected_by_warehouse')).toHaveLength(3)
  await world.assertBalanced()
})

test('when Postgres refuses most records, the partition stops and does not empty into the dead letters', async () => {
  const world = await aWorld({ partitions: 1 })
  await refuse(world, 'everyone')
  await world.produce(Array.from({ length: 500 }, () => aLiveMessage({ customer_id: 'everyone' })))

  expect(await world.runOnce()).toMatchObject({ loaded: 0, stopped: 1 })

  expect((await world.deadLetters()).length).toBeLessThan(20)
  expect(await world.watermarks()).toMatchObject([{ stop_code: 'mass_rejection' }])
  await world.assertBalanced()
})

test('a missing partition of the facts is a fault for an operator: nothing is dead-lettered', async () => {
  const world = await aWorld({ partitions: 1 })
  await world.produce([aLiveMessage()])

  // A month keeper that believes the month is there.
  const run = await world.runOnce({ months: { ensure: () => Promise.resolve() } })

  expect(run).toMatchObject({ status: 'failed', consumed: 0 })
  expect(run.error).toContain('no partition of relation')
  expect(await world.runOnce()).toMatchObject({ status: 'succeeded', loaded: 1 })
  await world.assertBalanced()
})

test('records whose Kafka time no date can hold are dead letters like others, and stop nobody', async () => {
  const world = await aWorld({ partitions: 1, topicSettings: { 'message.timestamp.type': 'CreateTime' } })
  const far = ['-9000000000000000', '-9100000000000000000', '-1']
  for (const timestamp of far) {
    await sendRaw(world, [{ value: JSON.stringify(aLiveMessage()), timestamp }])
  }
  await world.produce([aLiveMessage()])

  expect(await world.runOnce()).toMatchObject({ status: 'succeeded', loaded: 1, deadLettered: 3 })

  expect(await world.deadLetters()).toMatchObject(far.map(() => ({ code: 'timestamp_out_of_range' })))
  await world.assertBalanced()
})
