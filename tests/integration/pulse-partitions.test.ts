import { expect, test } from 'vitest'
import { reconcile } from '../../etl/reconcile/reconcile.ts'
import { stream } from '../support/stream.ts'
import { makeTopicAnew } from '../support/kafka.ts'
import { runPulse } from '../support/pulse.ts'
import { aLiveMessage, aWorld, type World } from '../support/world.ts'

/** What an operator does with a partition that stands still. */

const pulse = (world: World, ...args: string[]) => runPulse(world.env, ['partitions', ...args])

test('continue accepts what the log holds now, and asks first', async () => {
  const world = await aWorld({ partitions: 1 })
  const worker = await world.openWorker()
  await world.produce(Array.from({ length: 30 }, () => '{'))
  await worker.runOnce()
  const list = JSON.parse((await pulse(world, 'list', '--json')).out) as object[]
  expect(list).toMatchObject([{ partition: 0, nextOffset: 0, stopCode: 'mass_rejection', openLosses: 0 }])

  const unasked = await pulse(world, 'continue', '0')
  expect(unasked).toMatchObject({ code: 2, out: '', err: expect.stringContaining('add --yes') })
  expect(unasked.err).toContain('offsets 0 to 29 (30 offsets)')
  expect(await world.watermarks()).toMatchObject([{ stop_code: 'mass_rejection' }])

  const done = await pulse(world, 'continue', '0', '--yes')
  expect(done).toMatchObject({ code: 0, err: '', out: expect.stringContaining('accepted up to offset 30') })
  await worker.runOnce()
  expect(await world.deadLetters()).toHaveLength(30)
  await world.assertBalanced()

  const again = await pulse(world, 'continue', '0', '--yes')
  expect(again).toMatchObject({ code: 0, out: expect.stringContaining('is not stopped: nothing to do') })
  const unknown = await pulse(world, 'continue', '7', '--yes')
  expect(unknown).toMatchObject({ code: 1, err: expect.stringContaining('has no watermark') })
})

test('a partition whose topic was made anew goes on in a new incarnation, and nothing is lost or twice', async () => {
  const world = await aWorld({ partitions: 1 })
  const before = Array.from({ length: 5 }, () => aLiveMessage())
  await world.produce(before)
  const first = await world.openWorker()
  await first.runOnce()
  await first.close()
  await makeTopicAnew(world)
  await world.produce([...before.slice(0, 2), aLiveMessage(), aLiveMessage(), '{', aLiveMessage()])
  const second = await world.openWorker()
  await second.runOnce()
  expect(await world.watermarks()).toMatchObject([{ stop_code: 'log_differs', next_offset: 5 }])

  const refused = await pulse(world, 'continue', '0', '--yes')
  expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('partitions new-incarnation 0') })
  for (const args of [[], ['--from', '1', '--from-beginning']])
    expect(await pulse(world, 'new-incarnation', '0', '--yes', ...args)).toMatchObject({ code: 2 })
  const outside = await pulse(world, 'new-incarnation', '0', '--from', '7', '--yes')
  expect(outside).toMatchObject({ code: 1, err: expect.stringContaining('holds offsets 0 to 6') })
  const unasked = await pulse(world, 'new-incarnation', '0', '--from', '2')
  expect(unasked).toMatchObject({
    code: 2,
    err: expect.stringContaining('Offsets 0 to 1 of the log (2 offsets) are never read'),
  })
  expect(await world.watermarks()).toMatchObject([{ incarnation: 1 }])

  expect(await pulse(world, 'new-incarnation', '0', '--from-beginning', '--yes')).toMatchObject({
    code: 0,
    err: '',
  })
  expect(await world.watermarks()).toMatchObject([{ incarnation: 2, next_offset: 0, stop_code: null }])
  await second.runOnce()
  const { pool } = second.pipeline
  const report = await reconcile({ pool, stream, kafka: world.kafka, topic: world.topic, deep: true })
  expect(report).toMatchObject({
    balanced: true,
    totals: { consumed: 11, loaded: 8, duplicate: 2, deadLettered: 1 },
    everyRecord: { records: 6 },
    partitions: [
      { incarnation: 1, consumed: 5, watermark: null },
      { incarnation: 2, consumed: 6, watermark: 6 },
    ],
  })
  expect(report.warnings).toEqual([expect.stringContaining('incarnation 1, whose log is gone: 5 records')])
})

test('continue lets a partition go on whose log is the known one again, and no other', async () => {
  const world = await aWorld({ partitions: 1 })
  await world.produce([aLiveMessage(), aLiveMessage()])
  const worker = await world.openWorker()
  await worker.runOnce()
  const { rows } = await world.pool.query<{ id: string }>('select cluster_id as id from partition_progress')
  const cluster = (id: string) => world.pool.query('update partition_progress set cluster_id = $1', [id])
  await cluster('the one before') // as if KAFKA_BROKERS named another one now
  await world.produce([aLiveMessage()])
  expect(await worker.runOnce()).toMatchObject({ consumed: 0, stopped: 1 })
  expect(await pulse(world, 'continue', '0', '--yes')).toMatchObject({
    code: 1,
    err: expect.stringContaining('and that is still so'),
  })

  await cluster(rows[0]!.id)
  expect(await worker.runOnce()).toMatchObject({ consumed: 0, stopped: 1 })
  expect((await pulse(world, 'continue', '0')).err).toContain('it goes on at offset 2')
  expect(await pulse(world, 'continue', '0', '--yes')).toMatchObject({ code: 0, err: '' })
  expect(await worker.runOnce()).toMatchObject({ loaded: 1, stopped: 0 })
  expect(await world.watermarks()).toMatchObject([{ incarnation: 1, next_offset: 3, stop_code: null }])
  await world.assertBalanced()
})

test('new-incarnation of a partition that is not stopped says so', async () => {
  const world = await aWorld({ partitions: 1 })
  await world.produce([aLiveMessage()])
  await world.runOnce()
  const { code, err } = await pulse(world, 'new-incarnation', '0', '--from-beginning')
  expect(code).toBe(2)
  expect(err).toContain('is not stopped: as far as the job knows its log is the one it was loading')
})

test('acknowledge-loss keeps the first reason, and names the losses that there are', async () => {
  const world = await aWorld({ withoutTopics: true })
  await world.pool.query(
    `insert into audit.data_losses (topic, partition, incarnation, from_offset, to_offset)
     values ($1, 0, 1, 10, 20), ($1, 0, 2, 10, 12), ($1, 0, 2, 30, 31)`,
    [world.topic],
  )
  const acknowledge = (...args: string[]) => pulse(world, 'acknowledge-loss', '0', ...args)
  expect(await acknowledge('10', '--reason', ' ')).toMatchObject({
    code: 2,
    err: expect.stringContaining('empty'),
  })
  expect(await acknowledge('10')).toMatchObject({ code: 2, err: expect.stringContaining('--reason') })
  expect(await acknowledge('10', '--reason', 'x')).toMatchObject({
    code: 2,
    err: expect.stringContaining('--incarnation'),
  })
  expect(await acknowledge('11', '--reason', 'x')).toMatchObject({
    code: 1,
    err: expect.stringContaining('begin at 10, 10, 30'),
  })
  const done = await acknowledge('10', '--incarnation', '2', '--reason', 'INC-42', '--by', 'Ada')
  expect(done).toMatchObject({
    code: 0,
    out: expect.stringContaining('the loss of offsets 10 to 11 is acknowledged'),
  })
  const again = await acknowledge('10', '--incarnation', '2', '--reason', 'other')
  expect(again).toMatchObject({ code: 1, err: expect.stringContaining('INC-42') })
  const { rows } = await world.pool.query(
    'select reason, acknowledged_by from audit.data_losses where acknowledged_at is not null',
  )
  expect(rows).toEqual([{ reason: 'INC-42', acknowledged_by: 'Ada' }])
})
