import { expect, test } from 'vitest'
import { MAX_DECOMPRESSED_BYTES } from '../../etl/kafka/record-batch.ts'
import { sendRaw } from '../support/kafka.ts'
import { identityOf, marked } from '../support/messages.ts'
import { aLiveMessage, aWorld } from '../support/world.ts'

const inJson = (message: object) => ({ value: JSON.stringify(message) })

// With a codec of its own in the topic's settings the broker, and so Java's codec, writes the batches.
test.for(['gzip', 'snappy', 'lz4', 'zstd'])(
  'batches that the broker compressed with %s are read',
  async (codec) => {
    const world = await aWorld({ partitions: 1, topicSettings: { 'compression.type': codec } })
    const messages = Array.from({ length: 2_000 }, (_, i) => aLiveMessage(marked(`c${i}`)))
    await world.produce(messages)

    expect(await world.runOnce()).toMatchObject({ status: 'succeeded', loaded: 2_000, deadLettered: 0 })

    const facts = await world.facts()
    expect(facts.map(({ identity }) => identity)).toEqual(messages.map(identityOf))
    await world.assertBalanced()
  },
)

test('a batch that would decompress beyond the limit is a dead letter for each offset, and stops nobody', async () => {
  const world = await aWorld({ partitions: 1 })
  await world.produce([aLiveMessage()])
  // gzip makes some hundred kB of it, which the broker takes.
  const bomb = { value: Buffer.alloc(MAX_DECOMPRESSED_BYTES) }
  await sendRaw(world, [inJson(aLiveMessage()), bomb, inJson(aLiveMessage())], { gzip: true })
  await world.produce([aLiveMessage()])

  expect(await world.runOnce()).toMatchObject({ status: 'succeeded', loaded: 2, deadLettered: 3, stopped: 0 })

  const letters = await world.deadLetters()
  expect(letters).toMatchObject([1, 2, 3].map((offset) => ({ offset, code: 'undecodable' })))
  // The batch's bytes are kept once: what can be read of it by hand is not lost.
  expect(letters[0]!.value!.length).toBeGreaterThan(1_000)
  expect(letters.slice(1).map(({ value }) => value)).toEqual([null, null])
  expect((await world.facts()).map(({ source_offset: offset }) => offset)).toEqual([0, 4])
  expect(await world.dlqMessages()).toHaveLength(3)
  await world.assertBalanced()
})
