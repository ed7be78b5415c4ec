import { expect, test } from 'vitest'
import { asStored, identityOf, otherThan } from '../support/messages.ts'
import { aLiveMessage, aWorld } from '../support/world.ts'

test('a run in this process loads what is produced, publishes its dead letters and commits the offset', async () => {
  const world = await aWorld({ partitions: 1 })
  const message = aLiveMessage(otherThan({}))
  await world.produce([message, 'no JSON'])

  const run = await world.runOnce()

  expect(run).toMatchObject({ status: 'succeeded', consumed: 2, loaded: 1, deadLettered: 1, stopped: 0 })
  expect(await world.facts()).toMatchObject([
    { source_offset: 0, identity: identityOf(message), ...asStored(message) },
  ])
  expect(await world.deadLetters()).toMatchObject([{ offset: 1, code: 'malformed_json' }])
  expect(await world.dlqMessages()).toHaveLength(1)
  expect(await world.groupOffsets()).toEqual(new Map([[0, 2]]))
  await world.drained()
  await world.assertBalanced()
})

test('producer and ETL as processes of their own account for every record', async () => {
  const world = await aWorld()
  const etl = world.startEtl()
  const producer = world.startProducer({
    PRODUCER_LIMIT: '500',
    PRODUCER_RATE: '100000',
    PRODUCER_INVALID_RATIO: '0.1',
  })

  expect(await producer.exited).toBe(0)
  await etl.waitForLine('ready')
  await world.drained()

  expect(await etl.stop()).toBe(0)
  expect((await world.ledger()).reduce((sum, batch) => sum + batch.consumed, 0)).toBe(500)
  await world.assertBalanced()
})
