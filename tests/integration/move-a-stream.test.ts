import { expect, test } from 'vitest'
import { withAdmin } from '../../etl/kafka/topics.ts'
import { askForRedrive, openBackground } from '../support/background.ts'
import { aTransactionalProducer } from '../support/kafka.ts'
import { aParcel, aWorldToMove, move, proofOf, some, sources, workerOf } from '../support/moves.ts'

/** A stream whose topic is renamed: it reads another one from then on, and the books are about both. */

test('all of it: its partitions get the next numbers, the workers take it up, the books are about both', async () => {
  const { world, to } = await aWorldToMove()
  const [repeated, ...fresh] = some(3)
  await world.produce([repeated!])
  await (await workerOf(world, world.topic)).runOnce()
  await world.produce([...fresh, repeated!], { to, partition: 1 })

  const early = await workerOf(world, to)
  const refused = await early.runOnce()
  expect(refused).toMatchObject({ status: 'failed', consumed: 0 })
  expect(refused.error).toContain(
    `the topic ${to} is not one of the stream parcels in this warehouse, which reads ${world.topic}: ` +
      `set its topic back, or take the new one up: pulse streams move parcels --topic ${to}`,
  )

  expect(await move(world, to)).toMatchObject({
    code: 0,
    err: '',
    out: expect.stringMatching(
      new RegExp(
        `^parcels reads ${to} from now on, .* ${world.topic} is left\\. Action 1\\.\nNow set KAFKA_TOPIC=${to}`,
      ),
    ),
  })
  expect(await sources(world)).toEqual([`${world.topic} 0 0 4 moved`, `${to} 0 10000 0`, `${to} 1 10001 0`])
  expect(await early.runOnce()).toMatchObject({ status: 'succeeded', loaded: 2, duplicate: 1 })
  expect((await world.facts()).map((fact) => fact.source_partition)).toEqual([0, 0, 0, 0, 10001, 10001])
  const { rows } = await world.pool.query(
    'select action, stream, target, reason, status from audit.operator_actions',
  )
  expect(rows).toEqual([
    {
      action: 'move',
      stream: 'parcels',
      target: { from: [world.topic], to, abandoned: 0 },
      reason: 'renamed',
      status: 'succeeded',
    },
  ])
  expect(await proofOf(world, to)).toMatchObject({
    balanced: true,
    findings: [],
    warnings: [],
    totals: { consumed: 7, loaded: 6, duplicate: 1 },
    everyRecord: { records: 7, facts: 6, duplicates: 1 },
  })
  await world.assertBalanced()

  // A worker that is still told to read the one before loads nothing, and says why.
  await world.produce(some(2))
  const stale = await workerOf(world, world.topic)
  expect(await stale.runOnce()).toMatchObject({ loaded: 0, stopped: 1 })
  const late = await proofOf(world, to)
  expect(late.findings).toEqual([
    expect.stringMatching(`^sent after the move: ${world.topic}/0: 2 offsets from 4 on, and nobody reads it`),
  ])

  // Back, for what came there; and forth again.
  expect(await move(world, world.topic)).toMatchObject({ code: 0 })
  expect(await stale.runOnce()).toMatchObject({ loaded: 2, stopped: 0 })
  expect(await move(world, to)).toMatchObject({ code: 0 })
  expect(await sources(world)).toContain(`${to} 1 10001 3`)
  expect(await proofOf(world, to)).toMatchObject({ balanced: true, totals: { loaded: 8 } })

  await withAdmin(world.kafka, (admin) => admin.deleteTopics({ topics: [world.topic] }))
  const gone = await proofOf(world, to)
  expect(gone).toMatchObject({ balanced: true, everyRecord: { records: 3 } })
  expect(gone.warnings).toEqual([
    `Kafka no longer has ${world.topic}, which the stream was moved from: its books are proved, not its log`,
    `${world.topic}/0 was not read again`,
  ])
})

test('what is unread keeps it from being left, unless its number is typed: then it is a loss on record', async () => {
  const { world, to } = await aWorldToMove()
  await world.produce(some(2))
  const refused = await move(world, to)
  expect(refused).toMatchObject({ code: 1, out: '' })
  expect(refused.err).toBe(
    `2 offsets of ${world.topic} are not read:\n  ${world.topic}/0: offsets 3 to 4 (2 offsets)\n` +
      `Let the workers read to the end, once nobody sends there any more. To leave them unread for good: ` +
      `pulse streams move parcels --topic ${to} --abandon 2 --reason …\n`,
  )
  expect((await move(world, to, '--abandon', '1')).err).toContain('2 offsets of')
  expect(await sources(world)).toEqual([`${world.topic} 0 0 3`])
  const done = await move(world, to, '--abandon', '2')
  expect(done).toMatchObject({
    code: 0,
    out: expect.stringContaining(`Left unread: ${world.topic}/0: offsets 3 to 4`),
  })
  await world.produce(some(1), { to })
  expect(await (await workerOf(world, to)).runOnce()).toMatchObject({ loaded: 1 })
  const proof = await proofOf(world, to)
  expect(proof).toMatchObject({ balanced: true, findings: [], everyRecord: { records: 4 } })
  expect(proof.losses).toMatchObject([
    {
      topic: world.topic,
      fromOffset: 3,
      toOffset: 5,
      reason: `renamed (left when parcels was moved to ${to})`,
      acknowledgedBy: expect.stringMatching(/./),
    },
  ])
  expect((await move(world, to)).err).toBe(`The stream parcels reads ${to}: nothing to do.\n`)
})

test('a record behind an open transaction is unread, too', async () => {
  const { world, to } = await aWorldToMove()
  const transaction = await (await aTransactionalProducer(world)).begin()
  await transaction.send(some(1))
  expect((await move(world, to)).err).toContain('1 offset of')
  await transaction.commit()
})

test('a topic that is gone can be left by saying so: what was seen of it and not read is lost', async () => {
  const { world, to } = await aWorldToMove()
  await world.pool.query('update audit.partition_progress set log_end = 8')
  await withAdmin(world.kafka, (admin) => admin.deleteTopics({ topics: [world.topic] }))
  const refused = await move(world, to)
  expect(refused.err).toContain(
    `5 offsets of ${world.topic} are not read:\n  ${world.topic}/0: offsets 3 to 7 (5 offsets)\n` +
      `  ${world.topic}/0: Kafka no longer has the topic; what came after the last look is not counted\n`,
  )
  expect(refused.err).toContain('--abandon 5')
  expect((await move(world, to, '--abandon', '5')).code).toBe(0)
  expect(await proofOf(world, to)).toMatchObject({ balanced: true, losses: [{ fromOffset: 3, toOffset: 8 }] })
})

test('dead letters of the topic before that were not published are, after it', async () => {
  const { world, to } = await aWorldToMove()
  await world.produce([aParcel.aBrokenMessage()])
  await (await workerOf(world, world.topic)).runOnce()
  await world.pool.query('update audit.dead_letters set published_at = null')
  expect((await move(world, to)).code).toBe(0)
  await (await workerOf(world, to)).runOnce()
  expect(await world.deadLetters()).toMatchObject([{ topic: world.topic, published_at: expect.any(Date) }])
  // It can be sent again, to the topic of now; and not by a worker that is still told to use the one before.
  const value = Buffer.from(JSON.stringify(aParcel.aLiveMessage()))
  const { id } = (await world.deadLetters())[0]!
  await expect(askForRedrive(world, { ids: [id] }, { value })).rejects.toThrow(
    `can’t be sent to ${world.topic}, from which the stream was moved`,
  )
  const action = await askForRedrive(world, { ids: [id] }, { value, topic: to })
  const lane = await openBackground({ ...world, topic: to })
  expect((await lane.until(action)).result).toMatchObject({ sent: 1 })
  expect(await (await workerOf(world, to)).runOnce()).toMatchObject({ loaded: 1 })
  expect(await world.deadLetters()).toMatchObject([{ topic: world.topic, resolution: expect.any(String) }])
  expect((await proofOf(world, to)).balanced).toBe(true)
})
