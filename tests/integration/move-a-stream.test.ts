import { pino } from 'pino'
import { describe, expect, onTestFinished, test } from 'vitest'
import { withAdmin } from '../../etl/kafka/topics.ts'
import { readAllProgress } from '../../etl/ledger/watermark.ts'
import { lookAtMove, moveTopic } from '../../etl/partitions/move-topic.ts'
import { readConfig } from '../../etl/process/config.ts'
import { reconcile } from '../../etl/reconcile/reconcile.ts'
import type { Definition } from '../../etl/stream/definition.ts'
import { ADA } from '../support/background.ts'
import { clicks } from '../support/clicks/clicks.ts'
import { aTransactionalProducer, makeTopic } from '../support/kafka.ts'
import { messagesOf } from '../support/messages.ts'
import { prices } from '../support/prices/prices.ts'
import { runPulse } from '../support/pulse.ts'
import { parcels } from '../support/streams/parcels.ts'
import { visits } from '../support/streams/visits.ts'
import { aRival, untilWaiting } from '../support/versions.ts'
import { openWorker } from '../support/worker.ts'
import { aWorld, type World } from '../support/world.ts'

/** A stream whose topic is renamed: it reads another one from then on, and the books are about both. */

const aParcel = messagesOf(parcels)
const some = (n: number) => Array.from({ length: n }, () => aParcel.aLiveMessage())

/** A world that has loaded three records, and another topic. */
async function aWorldToMove(options: Parameters<typeof aWorld>[0] = {}) {
  const world = await aWorld({ stream: parcels, partitions: 1, ...options })
  const to = `${world.topic}-2`
  await makeTopic(world, to, 2)
  await makeTopic(world, `${to}.dlq`)
  onTestFinished(async () => {
    const there = await withAdmin(world.kafka, (admin) => admin.listTopics())
    const ours = [to, `${to}.dlq`].filter((topic) => there.includes(topic))
    await withAdmin(world.kafka, (admin) => admin.deleteTopics({ topics: ours }))
  })
  await world.produce(some(3))
  const worker = await world.openWorker()
  await worker.runOnce()
  await worker.close()
  return { world, to }
}

const pulse = (world: World, ...args: string[]) =>
  runPulse(world.env, ['streams', 'move', 'parcels', ...args])
const move = (world: World, to: string, ...args: string[]) =>
  pulse(world, '--topic', to, '--reason', 'renamed', '--yes', ...args)

/** A worker that is told to read this topic. */
async function workerOf(world: World, topic: string) {
  const env = { ...world.env, KAFKA_TOPIC: topic, KAFKA_DLQ_TOPIC: `${topic}.dlq` }
  const worker = await openWorker({
    kafka: world.kafka,
    config: readConfig(['kafka', 'database', 'etl', 'housekeeping'], env),
    logger: pino({ level: 'silent' }),
    name: `of ${topic}`,
    owns: [0, 1], // a group whose members read different topics shares out nothing of use
    stream: world.stream,
  })
  onTestFinished(() => worker.close())
  return worker
}

async function proofOf({ pool, kafka, stream }: World, topic: string) {
  const { checks, ...rest } = await reconcile({ pool, kafka, stream, topic, deep: true })
  const findings = checks.flatMap((check) =>
    check.findings.flatMap(({ kind, examples }) =>
      examples.map((one) => `${kind}: ${one.subject}: ${one.message}`),
    ),
  )
  return { ...rest, findings }
}

async function sources({ pool }: World) {
  const { rows } = await pool.query<{ is: string }>(
    `select concat_ws(' ', topic, partition, source_partition, next_offset, stop_code) as is
     from audit.partition_progress order by source_partition`,
  )
  return rows.map((row) => row.is)
}

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
  expect((await proofOf(world, to)).balanced).toBe(true)
})

const looked = (world: World, to: string) => lookAtMove(world.pool, world.kafka, parcels, to, new Map())

describe('beside a load', () => {
  test('that is under way: what it loads is read', async () => {
    const { world, to } = await aWorldToMove()
    await world.produce(some(2))
    const seen = await looked(world, to)
    const load = await aRival(world)
    await load.query('select from audit.partition_progress for update')
    const moving = moveTopic(world.pool, ADA, seen, { reason: 'renamed' })
    await untilWaiting(world)
    await load.query('update audit.partition_progress set next_offset = 5')
    await load.query('commit')
    expect(await moving).toMatchObject({ action: 'move', target: { abandoned: 0 } })
    expect(await readAllProgress(world.pool, world.topic)).toMatchObject([
      { nextOffset: 5, stopCode: 'moved' },
    ])
  })

  test('that begins while the stream is moved: it finds its partition stopped, and loads nothing', async () => {
    const { world, to } = await aWorldToMove()
    const worker = await workerOf(world, world.topic)
    const seen = await looked(world, to)
    const rival = await aRival(world)
    await rival.query('select from audit.partition_progress for update')
    const moving = moveTopic(world.pool, ADA, seen, { reason: 'renamed' })
    await untilWaiting(world)
    await world.produce(some(1)) // too late
    const run = worker.runOnce()
    await untilWaiting(world, 2)
    await rival.query('commit')
    await moving
    expect(await run).toMatchObject({ loaded: 0, stopped: 1 })
    expect(await world.facts()).toHaveLength(3)
    expect((await proofOf(world, to)).findings).toHaveLength(1)
  })
})

describe('is refused', () => {
  test.for<[why: string, definition: Definition, said: RegExp]>([
    [
      'where each record is a fact',
      clicks,
      /Each record of the stream clicks is a fact by its place in its log/,
    ],
    ['where the log orders versions', prices, /are ordered by their log \(by: 'log'\)/],
  ])('%s', async ([, definition, said]) => {
    const world = await aWorld({ stream: definition, partitions: 1 })
    await expect(lookAtMove(world.pool, world.kafka, definition, 'x', new Map())).rejects.toThrow(said)
  })

  test('to a topic that is not there or is another’s, of a stream that has read nothing, and without a reason', async () => {
    const { world, to } = await aWorldToMove({ others: [visits] })
    const other = world.topicOf(visits)
    expect((await move(world, 'nowhere')).err).toContain('Kafka has no topic nowhere: make it first')
    expect((await move(world, other)).err).toContain(
      `The topic ${other} is that of the stream visits by the settings`,
    )
    expect((await move(world, world.dlqTopic)).err).toContain('is that of the dead letters of parcels')
    expect((await move(world, to, '--abandon', '0')).code).toBe(0)
    const ofOthers = (...args: string[]) => runPulse(world.env, ['streams', 'move', ...args])
    const visitsTo = ['--topic', `${to}.dlq`, '--reason', 'so', '--yes']
    expect((await ofOthers('visits', ...visitsTo)).err).toContain(
      'has read no topic yet: there is nothing to move',
    )
    expect((await ofOthers('visits', '--topic', to, '--reason', 'so', '--yes')).err).toContain(
      `The topic ${to} is that of the stream parcels in this warehouse`,
    )
    expect(await ofOthers('parcels', '--stream', 'visits', ...visitsTo)).toMatchObject({ code: 2 })
    expect(await pulse(world, '--topic', to)).toMatchObject({ code: 2 })
    expect(await pulse(world, '--topic', world.topic, '--reason', ' ')).toMatchObject({ code: 2 })
    expect((await pulse(world, '--topic', world.topic, '--reason', 'so')).err).toContain('add --yes to do it')
    const partitions = await runPulse(world.env, [
      'partitions',
      'new-incarnation',
      '0',
      '--from-beginning',
      '--yes',
    ])
    expect(partitions.err).toContain(
      `${world.topic}/0 is left: the stream parcels reads ${to} in place of it`,
    )
    expect((await runPulse(world.env, ['partitions', 'continue', '0', '--yes'])).err).toContain(
      `To read it again: pulse streams move parcels --topic ${world.topic}`,
    )
  })
})
