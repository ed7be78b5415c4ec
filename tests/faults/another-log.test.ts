import { readdirSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { expect, inject, onTestFinished, test } from 'vitest'
import { consumed, progressTo } from '../support/fault-backlog.ts'
import { expectAcknowledged } from '../support/fault-totals.ts'
import { deleteRecordsBefore, makeTopicAnew, sendRaw } from '../support/kafka.ts'
import { runPulse } from '../support/pulse.ts'
import { waitFor } from '../support/wait-for.ts'
import { aLiveMessage, aWorld, type World } from '../support/world.ts'
import { ownKafka, type OwnKafka } from './support/own-servers.ts'

test('a broker that loses the tail of its log stops the partitions, and an operator begins them anew without loss or repeat', async ({
  skip,
}) => {
  const found = await ownKafka()
  if (typeof found === 'string') skip(found)
  const own = found as OwnKafka
  onTestFinished(() => own.stop())
  const [broker] = own.brokers
  const servers = { kafkaBrokers: broker!.address, databaseUrl: inject('databaseUrl') }
  const world = await aWorld({ partitions: 2, servers })
  for (const partition of [0, 1])
    for (let batch = 0; batch < 10; batch++) await world.produce(records(20), { partition })
  const etl = world.startEtl()
  await progressTo(world, 400, 60_000)
  await expectAcknowledged(world)
  await pulse(world, 'pause', '--reason', 'the broker loses power')
  await etl.waitForLine('paused')

  await broker!.control.kill()
  for (const partition of [0, 1]) loseTail(join(broker!.data, `${world.topic}-${partition}`))
  await broker!.control.start()
  const kept = await endsOf(world)
  expect(kept.every((end) => end > 0 && end < 200)).toBe(true)
  // One partition has grown past its watermark before the job looks: an offset alone tells nothing.
  await sendRaw(
    world,
    values(300).map((value) => ({ value, partition: 1 })),
  )
  await pulse(world, 'resume')

  const codes = async () => (await world.watermarks()).map((row) => row.stop_code)
  await waitFor('both partitions to stop', async () => (await codes()).every((code) => code !== null), {
    limitMs: 40_000,
  })
  expect(await codes()).toEqual(['log_shorter', 'log_differs'])
  expect(await consumed(world)).toBe(400)
  expect((await runPulse(world.env, ['status'])).out).toContain('log_shorter')

  for (const partition of ['0', '1'])
    await pulse(world, 'partitions', 'new-incarnation', partition, '--from-beginning', '--yes')
  const after = values(50).map((value) => ({ value, partition: 0 }))
  await sendRaw(world, after)
  await world.drained()
  // What the log kept comes again as duplicates; what it lost is in the warehouse all the same.
  const again = kept[0]! + kept[1]!
  expect(await world.facts()).toHaveLength(400 + 300 + 50)
  expect(await totals(world)).toEqual({ consumed: 400 + again + 350, duplicate: again, letters: 0 })
  await expectAcknowledged(world)
  await world.assertBalanced()
  expect(await etl.stop()).toBe(0)
})

test('a topic that is made anew under a worker stops its partition, and none of its new records is taken for an old one', async () => {
  const world = await aWorld({ partitions: 1 })
  await world.produce(records(100))
  const etl = world.startEtl()
  await progressTo(world, 100, 60_000)
  await expectAcknowledged(world)

  await makeTopicAnew(world)
  await sendRaw(
    world,
    values(150).map((value) => ({ value })),
  )

  // The supervisor's part, where the worker has ended over it.
  const stopped = async () => (await world.watermarks())[0]?.stop_code !== null
  await waitFor('the partition to stop', stopped, { limitMs: 40_000 })
  expect(await world.watermarks()).toMatchObject([
    { next_offset: 100, stop_code: expect.stringMatching(/^log_/) },
  ])
  await pulse(world, 'partitions', 'new-incarnation', '0', '--from-beginning', '--yes')
  await world.drained()
  expect(await world.facts()).toHaveLength(250)
  await world.assertBalanced()
  expect(await etl.stop()).toBe(0)
})

test('what retention takes while the job is paused is on record as lost until somebody answers for it, and the rest is loaded', async () => {
  const world = await aWorld({ partitions: 1 })
  await world.produce(records(100))
  const etl = world.startEtl()
  await progressTo(world, 100, 60_000)
  await expectAcknowledged(world)
  await pulse(world, 'pause', '--reason', 'a long weekend')
  await etl.waitForLine('paused')
  await world.produce(records(100))

  await deleteRecordsBefore(world, 160)
  await pulse(world, 'resume')

  expect(await etl.waitForLine('DATA LOSS')).toMatchObject({ from_offset: 100, to_offset: 160 })
  await world.drained()
  await expectAcknowledged(world)
  expect(await world.facts()).toHaveLength(140)
  await world.assertBalanced()
  expect(await runPulse(world.env, ['reconcile'])).toMatchObject({
    code: 6,
    out: expect.stringMatching(/lost|loss/),
  })
  await pulse(world, 'partitions', 'acknowledge-loss', '0', '100', '--reason', 'the weekend was too long')
  expect(await runPulse(world.env, ['reconcile'])).toMatchObject({ code: 0 })
  expect(await etl.stop()).toBe(0)
})

const records = (count: number) => Array.from({ length: count }, () => aLiveMessage())
const values = (count: number) => records(count).map((record) => JSON.stringify(record))

async function pulse(world: World, ...args: readonly string[]): Promise<void> {
  expect(await runPulse(world.env, args)).toMatchObject({ code: 0 })
}

/** As a power cut does to what was not on the disk yet: half of the last segment is gone. */
function loseTail(directory: string): void {
  const segment = readdirSync(directory)
    .filter((name) => name.endsWith('.log'))
    .toSorted()
    .at(-1)
  const file = join(directory, segment!)
  truncateSync(file, Math.floor(statSync(file).size / 2))
}

async function endsOf(world: World): Promise<number[]> {
  const bounds = await waitFor('the broker to know the topic again', () =>
    world.bounds().catch(() => undefined),
  )
  return bounds.map(({ end }) => end)
}

async function totals({ pool }: World): Promise<unknown> {
  const { rows } = await pool.query(
    `select sum(consumed)::int as consumed, sum(duplicate)::int as duplicate, sum(dead_lettered)::int as letters
     from audit.pipeline_batches`,
  )
  return rows[0]
}
