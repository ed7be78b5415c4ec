import { expect, onTestFinished, test } from 'vitest'
import { connectProducer } from '../../etl/kafka/producer.ts'
import { reconcile, renderReconciliation } from '../../etl/reconcile/reconcile.ts'
import { compile } from '../../etl/stream/compile.ts'
import { contractHash } from '../../etl/stream/registry.ts'
import { addPartitions, deleteGroup } from '../support/kafka.ts'
import { messagesOf } from '../support/messages.ts'
import { parcels } from '../support/streams/parcels.ts'
import { aRival, untilWaiting } from '../support/versions.ts'
import { waitFor } from '../support/wait-for.ts'
import { aWorld, readWholeTopic, type World } from '../support/world.ts'

/** Where a stream begins in a topic that it has never consumed, by its declaration. */

const aParcel = messagesOf(parcels)
const some = (n: number) => Array.from({ length: n }, () => aParcel.aLiveMessage())
const starting = (start: string) => ({ ...parcels, start })

const aWorldThatStarts = (start: string, partitions = 1) => aWorld({ stream: starting(start), partitions })

async function starts({ pool }: World) {
  const { rows } = await pool.query(
    `select partition, declared, log_start, first_offset, worker, contract_hash
     from audit.partition_starts order by partition`,
  )
  return rows as { partition: number; declared: string; first_offset: number; worker: string }[]
}

async function report(world: World) {
  return reconcile({ ...world, stream: compile(parcels), deep: true })
}

test('at the end: what is there is not read, by declaration, and what comes is; once', async () => {
  const world = await aWorldThatStarts('end')
  await world.produce(some(3))
  const first = await world.openWorker()
  expect(await first.runOnce()).toMatchObject({ status: 'succeeded', consumed: 0 })
  await first.close()
  await world.produce(some(2))
  // Another worker, whose declaration says otherwise by now: the first watermark stands.
  expect(await world.runOnce({ stream: compile(parcels) })).toMatchObject({ loaded: 2 })
  expect(await world.watermarks()).toMatchObject([{ first_offset: 3, next_offset: 5, log_start: 0 }])
  expect(await starts(world)).toEqual([
    {
      partition: 0,
      declared: 'end',
      log_start: 0,
      first_offset: 3,
      worker: first.settings.worker,
      contract_hash: contractHash(parcels),
    },
  ])
  const proof = await report(world)
  expect(proof).toMatchObject({
    balanced: true,
    everyRecord: { records: 2, facts: 2 },
    warnings: [],
    starts: [{ topic: world.topic, partition: 0, declared: 'end', logStart: 0, firstOffset: 3 }],
  })
  expect(renderReconciliation(proof)).toContain(
    `ℹ️ ${world.topic}/0 began at offset 3 (start: end), on ${proof.starts[0]!.startedAt} by ${first.settings.worker} ` +
      `with contract ${contractHash(parcels)}: offsets 0 to 2 were not read, by declaration`,
  )
  await world.assertBalanced()
})

test('at a time: with the first record that Kafka stored then or later, again so in another warehouse', async () => {
  const world = await aWorldThatStarts('2001-01-01T00:00:00Z', 2)
  await world.produce(some(2))
  const [, last] = await readWholeTopic(world.kafka, world.topic)
  await waitFor('the next millisecond', () => Date.now() > last!.timestamp)
  await world.produce(some(3))
  const third = (await readWholeTopic(world.kafka, world.topic))[2]!
  const start = new Date(third.timestamp).toISOString()
  const stream = compile(starting(start))
  expect(await world.runOnce({ stream })).toMatchObject({ loaded: 3 })
  // Of the other partition there is no record of that time: its end.
  expect(await starts(world)).toMatchObject([
    { partition: 0, declared: start, first_offset: 2 },
    { partition: 1, declared: start, first_offset: 0 },
  ])
  expect((await report(world)).balanced).toBe(true)
  // As of one that was lost: the group has offsets.
  await world.pool.query(
    'truncate audit.partition_starts, audit.partition_progress; delete from audit.pipeline_batches',
  )
  await world.runOnce({ stream })
  expect(await starts(world)).toMatchObject([{ first_offset: 2 }, { first_offset: 0 }])
})

test('at the beginning unless told, and that is no remark', async () => {
  const world = await aWorld({ stream: parcels, partitions: 1 })
  await world.produce(some(2))
  expect(await world.runOnce()).toMatchObject({ loaded: 2 })
  expect(await starts(world)).toEqual([])
  expect((await report(world)).starts).toEqual([])
})

test('all partitions at once, whoever comes first; one that the topic gets later at its beginning', async () => {
  const world = await aWorldThatStarts('end', 2)
  await world.produce(some(2), { partition: 1 })
  const one = await world.openWorker({ owns: [0] })
  await one.runOnce()
  await world.produce(some(3), { partition: 1 })
  const other = await world.openWorker({ owns: [1] })
  expect(await other.runOnce()).toMatchObject({ loaded: 3 })
  expect(await starts(world)).toMatchObject([{ first_offset: 0 }, { first_offset: 2 }])

  await addPartitions(world, 3)
  await waitFor('the new partition', async () => (await world.bounds()).length === 3)
  const producer = await connectProducer(world.kafka) // one that knows it
  onTestFinished(() => producer.disconnect())
  const [message] = some(1)
  await producer.send(world.topic, [{ key: 'a', value: Buffer.from(JSON.stringify(message)), partition: 2 }])
  const all = await world.openWorker({ owns: [0, 1, 2] })
  expect(await all.runOnce()).toMatchObject({ loaded: 1 })
  expect(await starts(world)).toHaveLength(2)
  expect(await report(world)).toMatchObject({ balanced: true, totals: { loaded: 4 } })
})

test('two workers that see the topic first at once begin at one offset, which is on record', async () => {
  const world = await aWorldThatStarts('end')
  await world.produce(some(3))
  const [one, other] = [await world.openWorker({ owns: [0] }), await world.openWorker({ owns: [0] })]
  const rival = await aRival(world)
  await rival.query(`select pg_advisory_xact_lock(hashtext('pulse: source numbers'))`)
  const first = one.runOnce()
  await untilWaiting(world)
  await world.produce(some(2))
  const second = other.runOnce() // notes another end
  await untilWaiting(world, 2)
  await rival.query('commit')
  for (const run of await Promise.all([first, second])) expect(run.status).toBe('succeeded')
  await one.runOnce()
  const [start] = await starts(world)
  expect(await world.watermarks()).toMatchObject([{ first_offset: start!.first_offset, next_offset: 5 }])
  expect(await world.facts()).toHaveLength(5 - start!.first_offset)
  expect([3, 5]).toContain(start!.first_offset)
  expect((await report(world)).balanced).toBe(true)
})

test('not at the end of a topic that its group has consumed before, nor at a time to come: said, and nothing is loaded', async () => {
  const world = await aWorldThatStarts('end')
  await world.produce(some(2))
  const before = await world.openWorker()
  await before.runOnce({ stream: compile(parcels) })
  await before.close()
  // The warehouse is lost; the group's offsets are in Kafka.
  await world.pool.query('truncate audit.partition_progress')
  const worker = await world.openWorker()
  const refused = await worker.runOnce()
  expect(refused).toMatchObject({ status: 'failed', loaded: 0 })
  expect(refused.error).toContain(
    `can't start at the end of ${world.topic}: its group ${world.groupId} has consumed it before`,
  )
  expect(await world.watermarks()).toEqual([])
  const early = await worker.runOnce({ stream: compile(starting('2999-01-01T00:00:00Z')) })
  expect(early.error).toContain('starts at 2999-01-01T00:00:00Z, which is still to come')
  await worker.close()
  await deleteGroup(world)
  expect(await world.runOnce()).toMatchObject({ status: 'succeeded', loaded: 0 })
  expect(await world.watermarks()).toMatchObject([{ first_offset: 2 }])
})
