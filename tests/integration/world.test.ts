import { expect, test } from 'vitest'
import { imbalances } from '../support/balance.ts'
import { asStored, identityOf, otherThan } from '../support/messages.ts'
import { aParcel, aWorldOfParcels } from '../support/parcels.ts'
import { parcels } from '../support/streams/parcels.ts'
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

test('books that are wrong are called so, whatever is wrong with them', async () => {
  const world = await aWorldOfParcels({ partitions: 1 })
  await world.produce([
    aParcel({ fee: 2_000 }),
    aParcel(),
    aParcel({ weighed: '2026-09-30T23:59:59.999Z' }),
    '{',
  ])
  await world.runOnce()
  await world.assertBalanced()
  // Not the one at the end of its month: a millisecond later there is no month.
  const one = `(select parcel_id from parcels where fee = 2000)`
  for (const [tampering, complaint] of [
    [`delete from parcels where parcel_id = ${one}`, /^a book does not account for its records: /],
    [`delete from parcel_keys where parcel_id = ${one}`, /^a fact without its key: /],
    [
      `update parcel_keys set weighed_at = weighed_at + interval '1 ms' where parcel_id = ${one}`,
      /^a fact without its key: /,
    ],
    [`insert into parcel_keys values (gen_random_uuid(), now())`, /^a key without a fact in a month /],
    [`insert into parcel_keys values (gen_random_uuid(), '2020-01-01')`, /^more keys without a fact /],
    ...['parcels', 'dear', 'fee', 'surcharge', 'dear_fee'].map(
      (sum) =>
        [
          `update parcels_by_minute set ${sum} = ${sum} + 1`,
          /^parcels_by_minute and facts differ: /,
        ] as const,
    ),
    ['delete from parcels_by_minute', /^parcels_by_minute and facts differ: /],
    [
      `create temp table twin as select * from parcels where parcel_id = ${one};
       update twin set weighed_at = weighed_at + interval '1 ms', source_offset = 9;
       insert into parcels overriding user value select * from twin`,
      /^an identity that is there twice: /,
    ],
    [`update audit.dead_letters set batch_id = 'another'`, /^a fact or dead letter that is in no book: /],
    ['update audit.pipeline_batches set to_offset = to_offset + 1', /^ranges are not from the first offset /],
  ] as const) {
    const client = await world.pool.connect()
    try {
      await client.query(`begin; ${tampering}`)
      const found = await imbalances(client, parcels)
      expect([tampering, found]).toEqual([
        tampering,
        expect.arrayContaining([expect.stringMatching(complaint)]),
      ])
    } finally {
      await client.query('rollback; drop table if exists twin')
      client.release()
    }
  }
  await world.assertBalanced()
})
