import { expect, test } from 'vitest'
import { readCrashes, takeUp } from '../../etl/ledger/crashes.ts'
import { aLiveMessage, aWorld, type World } from '../support/world.ts'
import { stream } from '../support/stream.ts'

/** Of runs that took a partition up; that a real worker dies of its heap: tests/faults/limits-out-of-memory.test.ts. */

test('a run that died counts against the partition that it had in hand, and against no other', async () => {
  const world = await aPartitionedWorld()
  await takenUpBy(world, 0, 'abandoned')
  expect(await deathsNow(world)).toEqual(new Map([[0, 1]]))
})

test('deaths in a row add up, also those that nobody has noticed yet, and end when the watermark moves', async () => {
  const world = await aPartitionedWorld()
  await takenUpBy(world, 0, 'abandoned')
  await takenUpBy(world, 0, 'running')
  await takenUpBy(world, 0, 'abandoned')
  expect(await deathsNow(world)).toEqual(new Map([[0, 3]]))

  await world.produce([aLiveMessage()])
  expect(await world.runOnce()).toMatchObject({ status: 'succeeded', loaded: 1 })
  expect(await deathsNow(world)).toEqual(new Map())
  await takenUpBy(world, 0, 'abandoned')
  expect(await deathsNow(world)).toEqual(new Map([[0, 1]]))
})

test('a run that failed and said so is no death, and takes none back', async () => {
  const world = await aPartitionedWorld()
  await takenUpBy(world, 1, 'failed')
  expect(await deathsNow(world)).toEqual(new Map())
  await takenUpBy(world, 1, 'abandoned')
  await takenUpBy(world, 1, 'failed')
  expect(await deathsNow(world)).toEqual(new Map([[1, 1]]))
})

test('a run that takes a partition up twice does not count itself', async () => {
  const world = await aPartitionedWorld()
  const run = await takenUpBy(world, 0, 'running')
  await takeUp(world.pool, { topic: world.topic, partition: 0 }, run)
  expect(await readCrashes(world.pool, world.topic, run)).toEqual(new Map())
})

/** Both partitions have a watermark. */
async function aPartitionedWorld(): Promise<World> {
  const world = await aWorld({ partitions: 2 })
  await world.runOnce()
  return world
}

async function takenUpBy({ pool, topic }: World, partition: number, status: string): Promise<number> {
  const { rows } = await pool.query<{ id: number }>(
    `insert into audit.pipeline_runs (stream, kind, worker, status, finished_at)
     values ('${stream.name}', 'tick', 'another', $1, case when $1 <> 'running' then now() end) returning id`,
    [status],
  )
  const run = rows[0]!.id
  await takeUp(pool, { topic, partition }, run)
  return run
}

async function deathsNow({ pool, topic }: World): Promise<Map<number, number>> {
  const nextRun = 0 // none of those that were
  const deaths = await readCrashes(pool, topic, nextRun)
  return new Map([...deaths].map(([partition, { count }]) => [partition, count]))
}
