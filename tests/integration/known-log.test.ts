import { expect, test } from 'vitest'
import { aTransactionalProducer, deleteRecordsBefore, makeTopicAnew, sendRaw } from '../support/kafka.ts'
import { stream } from '../support/stream.ts'
import { roles } from '../support/messages.ts'
import { aLiveMessage, aWorld, type World } from '../support/world.ts'

const json = (count: number) =>
  Array.from({ length: count }, () => ({ value: JSON.stringify(aLiveMessage()) }))

const { identity } = stream.definition
const keys = identity.scope === 'warehouse' ? [identity.keys] : []
const rollups = Object.keys(stream.definition.rollups ?? {})
const same = roles.identity
  .map((field) => `k.${roles.columns[field]} = t.${roles.columns[field]}`)
  .join(' and ')

/** Ten records of one log are loaded; then there is another log under the same name. */
async function afterAnotherLog(records: number): Promise<World> {
  const world = await aWorld({ partitions: 1 })
  await sendRaw(world, json(10))
  const worker = await world.openWorker()
  await worker.runOnce()
  await worker.close()
  await makeTopicAnew(world)
  if (records > 0) await sendRaw(world, json(records))
  return world
}

/** Why the partition stopped, having seen that nothing of the other log was loaded, now or at the next run. */
async function stopped(world: World): Promise<(string | null)[]> {
  for (const run of [await world.runOnce(), await world.runOnce()])
    expect(run).toMatchObject({ status: 'succeeded', consumed: 0, stopped: 1 })
  const [watermark] = await world.watermarks()
  expect(watermark).toMatchObject({ next_offset: 10 })
  expect(await world.facts()).toHaveLength(10)
  await world.assertBalanced()
  return [watermark!.stop_code, watermark!.stop_reason]
}

test.for([
  ['grown past the watermark', 25, 'log_differs', /offset 9 holds another record/],
  ['grown to the watermark', 10, 'log_differs', /offset 9 holds another record/],
  ['shorter than the watermark', 4, 'log_shorter', /ends at 4, but it was loaded up to 10/],
  ['empty', 0, 'log_shorter', /ends at 0/],
] as const)('a topic that was made anew, %s, stops its partition', async ([, records, code, reason]) => {
  expect(await stopped(await afterAnotherLog(records))).toEqual([code, expect.stringMatching(reason)])
})

test.for(['commit', 'abort'] as const)(
  'a topic that was made anew, whose transaction’s %s falls on the last record’s place, stops its partition',
  async (end) => {
    const world = await afterAnotherLog(0)
    const transaction = await (await aTransactionalProducer(world)).begin()
    await transaction.send(json(9))
    await transaction[end]()
    await sendRaw(world, json(5))
    const reason = /offset 9 holds no record that is delivered/
    expect(await stopped(world)).toEqual(['log_differs', expect.stringMatching(reason)])
  },
)

test('another cluster stops the partition', async () => {
  const world = await aWorld({ partitions: 1 })
  await sendRaw(world, json(10))
  await world.runOnce()
  await world.pool.query(`update partition_progress set cluster_id = 'the one before'`)
  await sendRaw(world, json(5))
  const reason = /the watermark is of cluster the one before/
  expect(await stopped(world)).toEqual(['another_cluster', expect.stringMatching(reason)])
})

test('a log that starts lower than it once did stops the partition', async () => {
  const world = await aWorld({ partitions: 1 })
  await sendRaw(world, json(10))
  await world.runOnce()
  await world.pool.query('update partition_progress set log_start = 7')
  const reason = /starts at 0, but it started at 7 before/
  expect(await stopped(world)).toEqual(['log_start_moved_back', expect.stringMatching(reason)])
})

test('records that retention took after they were loaded are no loss', async () => {
  const world = await aWorld({ partitions: 1 })
  await sendRaw(world, json(10))
  await world.runOnce()
  await deleteRecordsBefore(world, 10)
  await sendRaw(world, json(5))
  expect(await world.runOnce()).toMatchObject({ loaded: 5, stopped: 0 })
  const { rowCount } = await world.pool.query('select from data_losses')
  expect(rowCount).toBe(0)
  expect(await world.watermarks()).toMatchObject([{ log_start: 10, next_offset: 15 }])
  await world.assertBalanced()
})

test('records that retention took before they were loaded are on record as lost, and it goes on behind them', async () => {
  const world = await aWorld({ partitions: 1 })
  await sendRaw(world, json(10))
  await world.runOnce()
  await sendRaw(world, json(10))
  await deleteRecordsBefore(world, 16)

  expect(await world.runOnce()).toMatchObject({ status: 'succeeded', loaded: 4, stopped: 0 })

  const { rows } = await world.pool.query('select from_offset, to_offset, acknowledged_at from data_losses')
  expect(rows).toEqual([{ from_offset: 10, to_offset: 16, acknowledged_at: null }])
  expect(world.logs.some(({ msg, level }) => level === 50 && msg.startsWith('DATA LOSS'))).toBe(true)
  expect((await world.facts()).at(-4)?.source_offset).toBe(16)
  await world.drained()
  await world.assertBalanced()
  expect(await world.runOnce()).toMatchObject({ status: 'succeeded', batches: 0 })
})

test('a log whose beginning is gone before the first run is loaded from what is there, and nothing is called lost', async () => {
  const world = await aWorld({ partitions: 1 })
  await sendRaw(world, json(10))
  await deleteRecordsBefore(world, 4)
  expect(await world.runOnce()).toMatchObject({ loaded: 6 })
  expect(await world.watermarks()).toMatchObject([{ first_offset: 4, next_offset: 10 }])
  await world.assertBalanced()
})

test('a warehouse that was set back to an older state loads what is missing, and only that', async () => {
  const world = await aWorld({ partitions: 1 })
  const worker = await world.openWorker()
  await sendRaw(world, json(10))
  await worker.runOnce()
  await world.pool.query(`
    create table saved as select * from partition_progress;
    ${rollups.map((rollup) => `create table saved_${rollup} as select * from ${rollup}`).join(';')}`)
  await sendRaw(world, [...json(5), { value: 'garbage' }])
  await worker.runOnce()
  await worker.close()
  await world.pool.query(`
    ${keys.map((table) => `delete from ${table} k using ${stream.name} t where ${same} and t.source_offset >= 10;`).join('')}
    delete from ${stream.name} where source_offset >= 10;
    delete from dead_letters;
    delete from pipeline_batches where from_offset >= 10;
    update pipeline_runs r set (batches, consumed, loaded, duplicate, dead_lettered) =
      (select count(*), coalesce(sum(consumed), 0), coalesce(sum(loaded), 0), 0, 0 from pipeline_batches b where b.run_id = r.id);
    truncate ${['partition_progress', ...rollups].join()};
    ${rollups.map((rollup) => `insert into ${rollup} select * from saved_${rollup};`).join('')}
    insert into partition_progress select * from saved`)

  expect(await world.runOnce()).toMatchObject({
    status: 'succeeded',
    loaded: 5,
    deadLettered: 1,
    duplicate: 0,
  })
  expect(await world.facts()).toHaveLength(15)
  await world.assertBalanced()
  const said = world.logs.filter(({ level, msg }) => level === 40 && msg.includes('restored?'))
  expect(said).toMatchObject([{ partition: 0, group_offset: 16, watermark: 10 }])
})

test('a warehouse that was lost is rebuilt from what the log holds', async () => {
  const world = await aWorld({ partitions: 1 })
  await sendRaw(world, [...json(10), { value: 'garbage' }])
  const worker = await world.openWorker()
  await worker.runOnce()
  await worker.close()
  const before = await world.facts()
  await world.pool.query(`
    truncate ${[stream.name, ...keys, ...rollups].join()}, dead_letters, pipeline_batches, pipeline_runs, partition_progress,
      operator_actions, replay_ranges, forgotten, partition_starts`)
  expect(await world.runOnce()).toMatchObject({ status: 'succeeded', loaded: 10, deadLettered: 1 })
  expect(await world.facts()).toEqual(before)
  await world.assertBalanced()
})
