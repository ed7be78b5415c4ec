import { expect, onTestFinished, test } from 'vitest'
import { readAction } from '../../etl/operations/actions.ts'
import { aReplayer, ask, notByNewRules, replayed, settled } from '../support/replayer.ts'
import { aParcel, aWorldOfParcels } from '../support/parcels.ts'

/** Fees whose surcharge is another by each rate. */
const several = (count: number) =>
  Array.from({ length: count }, (_, i) => aParcel({ fee: 1 + (i % 100) + 0.25 }))

test('beside live loads on the same partitions both come to their end, and the books balance', async () => {
  const world = await aWorldOfParcels({ partitions: 2 })
  for (const partition of [0, 1]) await world.produce(several(1_500), { partition })
  await world.runOnce()
  const loaded = new Map((await world.watermarks()).map((row) => [row.partition, row.next_offset]))
  await aReplayer(world, { batchSize: 25 })

  const id = await ask(world)
  const isOver = async () => !['pending', 'running'].includes((await readAction(world.pool, id)).status)
  let sent = 0
  const runs: string[] = []
  while (!(await isOver())) {
    for (const partition of [0, 1]) await world.produce(several(60), { partition })
    sent += 120
    runs.push((await world.runOnce({ batchSize: 20 })).status)
  }
  const { result } = await settled(world, id, 'succeeded')

  expect(runs.length).toBeGreaterThan(2)
  expect(new Set(runs)).toEqual(new Set(['succeeded']))
  expect(result).toMatchObject({ records: 3_000, facts: 3_000, changed: 3_000 })
  await world.drained()
  expect(await world.facts()).toHaveLength(3_000 + sent)
  // What was loaded meanwhile is by the loader's own rules: the replay did not come near it.
  const others = await notByNewRules(world)
  expect(others).toHaveLength(sent)
  expect(others.every(({ partition, offset }) => offset >= loaded.get(partition)!)).toBe(true)
  expect(await world.groupOffsets()).toEqual(
    new Map((await world.bounds()).map(({ partition, end }) => [partition, end])),
  )
  await world.assertBalanced()
  const { rows } = await world.pool.query(
    `select (select deadlocks from pg_stat_database where datname = current_database()) as deadlocks,
            (select sum(retries)::int from audit.pipeline_runs) as retries`,
  )
  expect(rows).toEqual([{ deadlocks: 0, retries: 0 }])

  expect((await replayed(world)).result).toMatchObject({ facts: 3_000 + sent, changed: sent })
  await world.assertBalanced()
})

test('only the months of its facts are locked: it does not wait for one that is being dropped', async () => {
  const world = await aWorldOfParcels({ partitions: 1 })
  await world.produce([aParcel(), aParcel({ weighed: '2026-01-15T12:00:00Z' })])
  await world.runOnce({ batchSize: 1 })
  const dropping = await world.pool.connect()
  onTestFinished(() => dropping.release(true))
  await dropping.query('begin')
  await dropping.query('lock table warehouse.parcels_2026_01 in share mode')
  await aReplayer(world, { batchSize: 1 })
  const id = await ask(world, { kind: 'offsets', partition: 0, from: 0, to: 1 })
  expect((await settled(world, id, 'succeeded')).result).toMatchObject({ changed: 1 })
})
