import { expect, test } from 'vitest'
import { type ReplayRange, planReplay } from '../../etl/replay/plan.ts'
import { beginIncarnation } from '../../etl/ledger/watermark.ts'
import { deleteRecordsBefore } from '../support/kafka.ts'
import { ALL, aReplayer, ask, notByNewRules, replayed, settled } from '../support/replayer.ts'
import { waitFor } from '../support/wait-for.ts'
import { aParcel, aWorldOfParcels } from '../support/parcels.ts'
import type { World } from '../support/world.ts'

/** Which offsets a range means, and what happens where they are not there. */

const several = (count: number) => Array.from({ length: count }, () => aParcel())
const plan = (world: World, range: ReplayRange) => planReplay(world.pool, world.kafka, world.topic, range)
const offsets = (from: number, to?: number): ReplayRange => ({ kind: 'offsets', partition: 0, from, to })

async function aLoadedWorld({ partitions = 1, records = 20 } = {}): Promise<World> {
  const world = await aWorldOfParcels({ partitions })
  for (let partition = 0; partition < partitions; partition++)
    await world.produce(several(records), { partition })
  await world.runOnce()
  return world
}

/** As retention does. */
async function takeFromKafka(world: World, below: number): Promise<void> {
  await deleteRecordsBefore(world, below)
  await waitFor('the log to start later', async () => (await world.bounds())[0]!.start === below)
}

test('a range of offsets is replayed, from the first to without the last', async () => {
  const world = await aLoadedWorld({ partitions: 2 })
  await aReplayer(world, { batchSize: 3 })
  expect(await replayed(world, offsets(5, 12))).toMatchObject({ total: 7, done: 7, result: { changed: 7 } })
  const left = (await notByNewRules(world)).filter(({ partition }) => partition === 0)
  expect(left.map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 4, 12, 13, 14, 15, 16, 17, 18, 19])
  expect((await replayed(world, offsets(15))).result).toMatchObject({ changed: 5 })
  await world.assertBalanced()
})

test('a range of time is that of Kafka’s own timestamps, in each partition', async () => {
  const world = await aWorldOfParcels({ partitions: 2 })
  const at: string[] = []
  for (let part = 0; part < 3; part++) {
    for (const partition of [0, 1]) await world.produce(several(4), { partition })
    // A time that is after all records so far and before those that come.
    const now = Date.now() + 1
    await waitFor('the clock to go on', () => Date.now() > now + 1)
    at.push(new Date(now).toISOString())
  }
  await world.runOnce()
  await aReplayer(world)

  const range: ReplayRange = { kind: 'time', from: at[0]!, to: at[1] }
  expect(await plan(world, range)).toMatchObject({
    ranges: [
      { partition: 0, from: 4, to: 8 },
      { partition: 1, from: 4, to: 8 },
    ],
    notes: [],
  })
  expect((await replayed(world, range)).result).toMatchObject({ records: 8, changed: 8 })
  expect((await replayed(world, { kind: 'time', from: at[0]! })).result).toMatchObject({
    records: 16,
    changed: 8,
  })
  expect(await notByNewRules(world)).toHaveLength(8)
  await expect(plan(world, { kind: 'time', from: at[2]! })).rejects.toThrow(
    'There is nothing to replay. Nothing was loaded from this range.',
  )
  await world.assertBalanced()
})

test('what is outside is said, and what is left is replayed', async () => {
  const world = await aLoadedWorld()
  await takeFromKafka(world, 5)
  await world.produce(several(5))
  const name = `${world.topic}/0`
  expect(await plan(world, offsets(2, 30))).toEqual({
    ranges: [{ topic: world.topic, partition: 0, incarnation: 1, from: 5, to: 20 }],
    offsets: 15,
    notes: [
      `${name}: offsets 2 to 4 are no longer in Kafka: their facts stay as they are.`,
      `${name}: offsets 20 to 29 are not loaded yet: they will be by the current code.`,
    ],
  })
  expect((await plan(world, ALL)).notes).toEqual([
    `${name}: offsets 0 to 4 are no longer in Kafka: their facts stay as they are.`,
  ])
  expect((await plan(world, { kind: 'time', from: '2026-01-01T00:00:00Z' })).notes).toEqual([
    `${name}: the log begins at 5: older records of that time, if any, are no longer in Kafka.`,
  ])
  await expect(ask(world, offsets(0, 5))).rejects.toThrow(/nothing to replay\..* no longer in Kafka/)
  await expect(ask(world, offsets(20))).rejects.toThrow('There is nothing to replay')
  await expect(ask(world, { ...offsets(0), partition: 7 } as ReplayRange)).rejects.toThrow('has no watermark')
  await aReplayer(world)
  const { result, target } = await replayed(world, ALL)
  expect(result).toMatchObject({ records: 15, changed: 15 })
  expect(target['notes']).toHaveLength(1)
})

test('what retention takes after it was asked for is passed over, and said', async () => {
  const world = await aLoadedWorld()
  const id = await ask(world)
  await takeFromKafka(world, 8)
  await aReplayer(world)
  const { result, done } = await settled(world, id, 'succeeded')
  expect(result).toMatchObject({ offsets: 20, gone: 8, records: 12, changed: 12 })
  expect(done).toBe(20)
  await world.assertBalanced()
})

test('a log that is another one by now fails it clearly, and changes nothing', async () => {
  const world = await aLoadedWorld()
  const id = await ask(world)
  const client = await world.pool.connect()
  const { cluster_id: clusterId } = (await world.watermarks())[0]!
  await beginIncarnation(client, { topic: world.topic, partition: 0 }, 10, { clusterId, start: 0 })
  client.release()
  await aReplayer(world)

  const { error, runId } = await settled(world, id, 'failed')
  expect(error).toContain('is in incarnation 2 now, the replay is of 1: ask for a new one')
  const { rows } = await world.pool.query('select status, error from audit.pipeline_runs where id = $1', [
    runId,
  ])
  expect(rows).toEqual([{ status: 'failed', error }])
  expect(await notByNewRules(world)).toHaveLength(20)

  await world.runOnce()
  const earlier = `${world.topic}/0: the facts of incarnations before 2 stay as they are.`
  expect((await plan(world, ALL)).notes).toEqual([earlier])
  expect((await plan(world, offsets(0))).notes).toEqual([
    `${world.topic}/0: offsets 0 to 9 were not loaded in incarnation 2, which begins at 10.`,
  ])
  // Its records are duplicates: the facts came from the first incarnation.
  expect((await replayed(world)).result).toMatchObject({ records: 10, withoutFact: 10, changed: 0 })
})

test('a log whose last record is not the one that was loaded is refused, also before a run notices', async () => {
  const world = await aLoadedWorld()
  await world.pool.query(`update audit.partition_progress set last_hash = 'another'`)
  await expect(ask(world)).rejects.toThrow(/its log is not the one that was loaded: offset 19 holds another/)
  await world.pool.query(`update audit.partition_progress set stop_code = 'log_differs', stop_reason = 'so'`)
  await expect(ask(world)).rejects.toThrow(/not the one that was loaded: so/)
})

test('a partition that is stopped on mass rejection can be replayed', async () => {
  const world = await aLoadedWorld()
  await world.pool.query(
    `update audit.partition_progress set stop_code = 'mass_rejection', stop_reason = 'bad'`,
  )
  await aReplayer(world)
  expect((await replayed(world)).result).toMatchObject({ changed: 20 })
})
