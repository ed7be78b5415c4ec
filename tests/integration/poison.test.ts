import { expect, test } from 'vitest'
import { sendRaw } from '../support/kafka.ts'
import { refuseMarked } from '../support/warehouse.ts'
import { aConflict, marked } from '../support/messages.ts'
import { aLiveMessage, aWorld } from '../support/world.ts'

const aThousand = (changes: Record<number, object> = {}) =>
  Array.from({ length: 1_000 }, (_, i) => aLiveMessage({ ...marked(`c${i}`), ...changes[i] }))

const invalid = (count: number) => Array.from({ length: count }, () => ({ no: 'record' }))

test('of 1,000 records one that only Postgres refuses is a dead letter, and 999 are loaded', async () => {
  const world = await aWorld({ partitions: 1 })
  await refuseMarked(world.pool, 'poison')
  await world.produce(aThousand({ 617: marked('poison') }))

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
  await refuseMarked(world.pool, 'poison')
  const repeated = aLiveMessage()
  const records = Array.from({ length: 120 }, (_, i) => {
    if (i % 40 === 7) return aLiveMessage(marked('poison'))
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
  await refuseMarked(world.pool, 'everyone')
  await world.produce(Array.from({ length: 500 }, () => aLiveMessage(marked('everyone'))))

  expect(await world.runOnce()).toMatchObject({ loaded: 0, stopped: 1 })

  expect((await world.deadLetters()).length).toBeLessThan(20)
  expect(await world.watermarks()).toMatchObject([{ stop_code: 'mass_rejection' }])
  await world.assertBalanced()
})

test('a batch that must be halved is judged as a whole: garbage at its beginning stops nobody', async () => {
  const world = await aWorld({ partitions: 1 })
  await refuseMarked(world.pool, 'poison')
  await world.produce([...invalid(400), ...aThousand({ 900: marked('poison') }).slice(400)])

  expect(await world.runOnce()).toMatchObject({ stopped: 0, consumed: 1_000, loaded: 599, deadLettered: 401 })
  await world.assertBalanced()
})

test('conflicts at the beginning of a batch that must be halved stop nobody either', async () => {
  const world = await aWorld({ partitions: 1 })
  await refuseMarked(world.pool, 'poison')
  const messages = Array.from({ length: 400 }, () => aLiveMessage())
  await world.produce(messages)
  await world.runOnce()
  await world.produce([
    ...messages.map((message) => aConflict(message)),
    ...aThousand({ 50: marked('poison') }).slice(0, 600),
  ])

  expect(await world.runOnce()).toMatchObject({ stopped: 0, loaded: 599, deadLettered: 401 })
  await world.assertBalanced()
})

test('a batch that must be halved stops where the whole of it has too many rejections', async () => {
  const world = await aWorld({ partitions: 1 })
  await refuseMarked(world.pool, 'poison')
  const poisonous = aThousand({ 100: marked('poison'), 200: marked('poison') })
  await world.produce([...poisonous.slice(0, 501), ...invalid(499)])

  // 499 that break the contract, and two that Postgres refuses: the second is one too many.
  expect(await world.runOnce()).toMatchObject({ stopped: 1, deadLettered: 1 })

  expect(await world.watermarks()).toMatchObject([
    {
      next_offset: 200,
      stop_code: 'mass_rejection',
      stop_reason: expect.stringMatching(/^501 of the last 1000 /) as string,
    },
  ])
  await world.assertBalanced()
})

test('a missing partition of the facts is a fault for an operator: nothing is dead-lettered', async () => {
  const world = await aWorld({ partitions: 1 })
  await world.produce([aLiveMessage()])

  // A month keeper that believes the month is there.
  const run = await world.runOnce({ months: { forget: () => undefined, ensure: () => Promise.resolve() } })

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
