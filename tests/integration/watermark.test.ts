import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { readConfig } from '../../etl/process/config.ts'
import { load, type PreparedBatch } from '../../etl/job/load.ts'
import { createMonthKeeper } from '../../etl/stream/months.ts'
import { startRun } from '../../etl/ledger/runs.ts'
import { createPool } from '../../etl/postgres/pool.ts'
import { ensureProgress } from '../../etl/ledger/first-watermark.ts'
import { aMessage, aRecordOf } from '../support/messages.ts'
import { aBatch, prepared } from '../support/a-batch.ts'
import { stream } from '../support/stream.ts'
import { waitFor } from '../support/wait-for.ts'
import { aLiveMessage, aWorld, type World } from '../support/world.ts'

/** Loads these batches of partition 0 by hand, without Kafka. */
async function aLoader(world: World) {
  const pool = createPool(readConfig(['database'], world.env), 'pulse_loader', pino({ level: 'silent' }))
  onTestFinished(() => pool.end())
  const loader = { pool, stream, months: createMonthKeeper(pool, stream), deadLetterMaxRatio: 0.5 }
  const id = { topic: world.topic, partition: 0 }
  await ensureProgress(pool, { stream: stream.name, ...id }, { clusterId: 'a', start: 0 })
  const runId = await startRun(pool, { stream: stream.name, kind: 'tick', worker: 'test' }, 60_000)
  return {
    load: (batch: PreparedBatch) => load(loader, batch, runId),
    batch: (from: number, to: number, overrides: { incarnation?: number } = {}) => {
      const records = Array.from({ length: to - from }, (_, i) => aRecordOf(aMessage(), { offset: from + i }))
      return prepared(aBatch(records, { topic: world.topic, ...overrides }))
    },
  }
}

test('a batch that was loaded is not loaded again', async () => {
  const world = await aWorld({ withoutTopics: true })
  const { load: loadBatch, batch } = await aLoader(world)
  const first = batch(0, 3)
  expect(await loadBatch(first)).toMatchObject({ kind: 'loaded', loaded: 3 })
  expect(await loadBatch(first)).toEqual({ kind: 'moved' })
  expect(await loadBatch(batch(0, 5))).toEqual({ kind: 'moved' })
  expect(await world.facts()).toHaveLength(3)
  await world.assertBalanced()
})

test('a batch that begins above the watermark is not loaded: something before it is missing', async () => {
  const world = await aWorld({ withoutTopics: true })
  const { load: loadBatch, batch } = await aLoader(world)
  expect(await loadBatch(batch(3, 5))).toEqual({ kind: 'moved' })
  expect(await world.facts()).toEqual([])
})

test('a batch of another incarnation is thrown away, whatever its offsets', async () => {
  const world = await aWorld({ withoutTopics: true })
  const { load: loadBatch, batch } = await aLoader(world)
  await world.pool.query('update partition_progress set incarnation = 2')
  expect(await loadBatch(batch(0, 3))).toEqual({ kind: 'moved' })
  expect(await loadBatch(batch(0, 3, { incarnation: 2 }))).toMatchObject({ kind: 'loaded' })
  expect(await world.ledger()).toMatchObject([{ batch_id: `${world.topic}:0:0-2:2`, incarnation: 2 }])
  await world.assertBalanced()
})

test('nothing is loaded into a partition that was stopped after the batch was fetched', async () => {
  const world = await aWorld({ withoutTopics: true })
  const { load: loadBatch, batch } = await aLoader(world)
  await world.pool.query(`update partition_progress set stopped_at = now(), stop_code = 'mass_rejection'`)
  expect(await loadBatch(batch(0, 3))).toEqual({ kind: 'stopped' })
  expect(await world.facts()).toEqual([])
})

test('of the same batch at two workers at once one loads it, and the other sees that', async () => {
  const world = await aWorld({ withoutTopics: true })
  const one = await aLoader(world)
  const other = await aLoader(world)
  for (let from = 0; from < 500; from += 10) {
    const batch = one.batch(from, from + 10)
    const outcomes = await Promise.all([one.load(batch), other.load(batch)])
    expect(outcomes.map(({ kind }) => kind).sort()).toEqual(['loaded', 'moved'])
  }
  expect(await world.facts()).toHaveLength(500)
  await world.assertBalanced()
})

test('a load waits for the one that holds the watermark, and then sees where it is', async () => {
  const world = await aWorld({ withoutTopics: true })
  const { load: loadBatch, batch } = await aLoader(world)
  const holder = await world.pool.connect()
  try {
    await holder.query('begin')
    await holder.query('select from partition_progress for update')
    const outcome = loadBatch(batch(0, 3))
    await waitFor('the load to wait', async () => {
      const { rowCount } = await world.pool.query(
        `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      )
      return rowCount === 1
    })
    await holder.query('update partition_progress set next_offset = 3')
    await holder.query('commit')
    expect(await outcome).toEqual({ kind: 'moved' })
  } finally {
    holder.release(true)
  }
  expect(await world.facts()).toEqual([])
})

test('two workers that both believe they own all partitions load each record once', async () => {
  const world = await aWorld({ partitions: 2 })
  const everything = { owns: [0, 1] }
  const workers = [await world.openWorker(everything), await world.openWorker(everything)]
  for (const partition of [0, 1]) {
    await world.produce(
      Array.from({ length: 1_000 }, (_, i) => (i % 10 === 0 ? 'garbage' : aLiveMessage())),
      { partition },
    )
  }
  // A worker whose watermark was moved takes it up anew, so often in one run and no more: then the next run.
  await waitFor('both to be done', async () => {
    const runs = await Promise.all(workers.map((worker) => worker.runOnce({ batchSize: 25 })))
    expect(runs.map(({ error }) => error)).toEqual([undefined, undefined])
    const { rows } = await world.pool.query('select sum(next_offset)::int as sum from partition_progress')
    return (rows[0] as { sum: number }).sum === 2_000
  })
  expect(await world.facts()).toHaveLength(1_800)
  expect(await world.deadLetters()).toHaveLength(200)
  await world.assertBalanced()
})
