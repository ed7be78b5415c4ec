import { expect, test } from 'vitest'
import { withAdmin } from '../../etl/kafka/topics.ts'
import { makeTopic, sendRaw } from '../support/kafka.ts'
import { aLiveMessage, aWorld, type World } from '../support/world.ts'

const keysOf = async (world: World) => (await world.dlqMessages()).map(({ key }) => key!.toString()).sort()
const expectedKeys = (world: World, count: number) =>
  Array.from({ length: count }, (_, offset) => `${world.topic}:0:${offset}`).sort()
const unpublished = async (world: World) =>
  (await world.deadLetters()).filter(({ published_at: at }) => at === null).length

test('2,000 dead letters of 10 kB are all published, in many sends, each once', async () => {
  const world = await aWorld({ partitions: 1 })
  for (let i = 0; i < 40; i++) {
    await world.produce(Array.from({ length: 50 }, (_, j) => `${i} ${j} `.padEnd(10_000, 'garbage ')))
  }
  expect(await world.runOnce({ deadLetterMaxRatio: 1 })).toMatchObject({ deadLettered: 2_000 })
  expect(await keysOf(world)).toEqual(expectedKeys(world, 2_000))
  expect(await unpublished(world)).toBe(0)
  expect(await world.groupOffsets()).toEqual(new Map([[0, 2_000]]))
})

test('dead letters that are larger than a send are published, with their bytes', async () => {
  const world = await aWorld({ partitions: 1 })
  const large = Array.from({ length: 3 }, (_, i) => Buffer.alloc(900_000, i))
  for (const value of large) await world.produce([value])
  await world.runOnce()
  const published = await world.dlqMessages()
  expect(published.map(({ value }) => value!.length)).toEqual([900_000, 900_000, 900_000])
  for (const [i, { value }] of published.entries()) expect(value!.equals(large[i]!)).toBe(true)
})

test('a dead letter that the topic can’t hold goes as a stub that names its row, those beside it whole', async () => {
  const world = await aWorld({ partitions: 1, dlqSettings: { 'max.message.bytes': '50000' } })
  await world.produce(['small', 'x'.repeat(60_000), 'small too'])
  await world.runOnce()

  const [, big] = await world.deadLetters()
  const byKey = new Map((await world.dlqMessages()).map((message) => [message.key!.toString(), message]))
  expect([...byKey.keys()].sort()).toEqual(expectedKeys(world, 3))
  expect(byKey.get(`${world.topic}:0:0`)?.value?.toString()).toBe('small')
  const stub = byKey.get(`${world.topic}:0:1`)!
  expect(stub.value).toBeNull()
  const headers = new Map(stub.headers.map(({ key, value }) => [key, value?.toString()]))
  expect(headers.get('dlq.stub')).toBe(`audit.dead_letters.id=${big!.id}`)
  expect(headers.get('dlq.code')).toBe('malformed_json')
  expect(big!.value!.length).toBe(60_000)
  expect(await unpublished(world)).toBe(0)
})

test('while the dead-letter topic is missing loading goes on and the group’s offset waits; later all is made good', async () => {
  const world = await aWorld({ partitions: 1 })
  await withAdmin(world.kafka, (admin) => admin.deleteTopics({ topics: [world.dlqTopic] }))
  await world.produce([aLiveMessage(), 'garbage', aLiveMessage()])

  expect(await world.runOnce()).toMatchObject({ status: 'succeeded', loaded: 2, deadLettered: 1 })
  await world.produce([aLiveMessage(), 'garbage'])
  expect(await world.runOnce()).toMatchObject({ status: 'succeeded', loaded: 1, deadLettered: 1 })

  await world.drained()
  expect(await unpublished(world)).toBe(2)
  expect(await world.groupOffsets()).toEqual(new Map([[0, -1]]))
  expect(world.logs.some(({ msg }) => msg.includes('dead letters could not be published'))).toBe(true)

  await makeTopic(world, world.dlqTopic)
  expect(await world.runOnce()).toMatchObject({ status: 'succeeded', batches: 0 })
  expect(await keysOf(world)).toEqual([`${world.topic}:0:1`, `${world.topic}:0:4`])
  expect(await world.groupOffsets()).toEqual(new Map([[0, 5]]))
  await world.assertBalanced()
})

test('hostile headers arrive as they were', async () => {
  const world = await aWorld({ partitions: 1 })
  const bytes = Buffer.from([0, 0xff, 0xfe])
  await sendRaw(world, [
    {
      key: bytes,
      value: bytes,
      headers: {
        ['__proto__']: 'p',
        constructor: 'c',
        'with\0nul': bytes,
        twice: ['1', '2'],
        'dlq.code': 'x',
      },
    },
  ])
  await world.runOnce()

  const [letter] = await world.deadLetters()
  expect(letter).toMatchObject({ key: bytes, value: bytes, code: 'malformed_json' })
  const [message] = await world.dlqMessages()
  const headers = message!.headers.map(({ key, value }) => [key, value!.toString('latin1')])
  expect(headers).toEqual(
    expect.arrayContaining([
      ['__proto__', 'p'],
      ['constructor', 'c'],
      ['with\0nul', bytes.toString('latin1')],
      ['twice', '1'],
      ['twice', '2'],
      ['dlq.code', 'x'],
      ['dlq.code', 'malformed_json'],
      ['dlq.key', bytes.toString('latin1')],
    ]),
  )
})

test('a record that was sent again says of which dead letter', async () => {
  const world = await aWorld({ partitions: 1 })
  const origin = `${world.topic}:0:0`
  await world.produce(['garbage'])
  await world.runOnce()
  await sendRaw(world, [
    { value: 'still garbage', headers: { 'redrive-of': origin } },
    { value: 'garbage', headers: { 'redrive-of': "'; drop table x" } },
  ])
  await world.runOnce()
  expect(await world.deadLetters()).toMatchObject([{}, { redrive_of: origin }, { redrive_of: null }])
})
