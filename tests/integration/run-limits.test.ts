import { expect, test } from 'vitest'
import { stream } from '../support/stream.ts'
import { waitFor } from '../support/wait-for.ts'
import { aLiveMessage, aWorld } from '../support/world.ts'

const some = (count: number) => Array.from({ length: count }, () => aLiveMessage())

test('a run whose time is up leaves the rest to the next, with what it loaded acknowledged', async () => {
  const world = await aWorld({ partitions: 1 })
  await world.produce([...some(20), 'garbage'])
  const worker = await world.openWorker()
  const { months } = worker.pipeline
  const started = performance.now()
  const first = await worker.runOnce({
    budgetMs: 500,
    batchSize: 5,
    months: {
      ...months,
      ensure: async (facts) => {
        await waitFor('the time to be up', () => performance.now() - started > 500)
        return months.ensure(facts)
      },
    },
  })
  expect(first).toMatchObject({ status: 'succeeded' })
  expect(first.consumed).toBeLessThanOrEqual(5)
  expect(await world.groupOffsets()).toEqual(new Map([[0, first.consumed]]))
  expect(await worker.runOnce()).toMatchObject({ consumed: 21 - first.consumed })
  expect(await world.groupOffsets()).toEqual(new Map([[0, 21]]))
  await world.assertBalanced()
})

test('a run drains up to the end that it noted; what comes meanwhile is for the next', async () => {
  const world = await aWorld({ partitions: 1 })
  await world.produce(some(3))
  let late = false
  const worker = await world.openWorker()
  const { months } = worker.pipeline
  const run = await worker.runOnce({
    months: {
      ...months,
      ensure: async (facts) => {
        if (!late) await world.produce(some(2))
        late = true
        return months.ensure(facts)
      },
    },
  })
  expect(run).toMatchObject({ loaded: 3 })
  expect(await worker.runOnce()).toMatchObject({ loaded: 2 })
})

test('a stop ends the run after the batch in hand, and that batch is whole', async () => {
  const world = await aWorld({ partitions: 1 })
  await world.produce(some(100))
  const worker = await world.openWorker()
  const { months } = worker.pipeline
  const stop = new AbortController()
  const run = await worker.runOnce({
    batchSize: 10,
    signal: stop.signal,
    months: {
      ...months,
      ensure: (facts) => {
        stop.abort(new Error('told to stop'))
        return months.ensure(facts)
      },
    },
  })
  expect(run).toMatchObject({ status: 'succeeded', batches: 1, loaded: 10 })
  expect(await world.groupOffsets()).toEqual(new Map([[0, 10]]))
  await world.assertBalanced()
})

test('a partition that fails fails the run, names itself, and does not keep the others', async () => {
  const world = await aWorld({ partitions: 3 })
  for (const partition of [0, 1, 2]) await world.produce(some(5), { partition })
  await world.pool.query('revoke insert on audit.dead_letters from pulse_loader')
  await world.produce(['garbage'], { partition: 1 })

  const run = await world.runOnce({ concurrency: 1 })

  expect(run).toMatchObject({ status: 'failed', loaded: 10 })
  expect(run.error).toMatch(/^partition 1: permission denied for table dead_letters$/)
  const { rows } = await world.pool.query(
    'select status, error, loaded, finished_at is not null as ended from pipeline_runs',
  )
  expect(rows).toEqual([{ status: 'failed', error: run.error, loaded: 10, ended: true }])

  await world.pool.query('grant insert on audit.dead_letters to pulse_loader')
  expect(await world.runOnce()).toMatchObject({ status: 'succeeded', loaded: 5, deadLettered: 1 })
  await world.assertBalanced()
})

test('a batch is as many records and bytes as it may be, and a larger record is one of its own', async () => {
  const world = await aWorld({ partitions: 1 })
  await world.produce([...some(7), 'x'.repeat(200_000), ...some(2)])
  await world.runOnce({ batchSize: 3, batchBytes: 100_000 })
  expect((await world.ledger()).map(({ from_offset: from, to_offset: to }) => [from, to])).toEqual([
    [0, 3],
    [3, 6],
    [6, 7],
    [7, 8],
    [8, 10],
  ])
})

test('a run that its worker left open when it died is closed by its next', async () => {
  const world = await aWorld({ partitions: 1 })
  const worker = await world.openWorker()
  await world.pool.query(
    `insert into pipeline_runs (stream, kind, worker)
     values ('${stream.name}', 'tick', $1), ('${stream.name}', 'tick', 'another')`,
    [worker.settings.worker],
  )
  await worker.runOnce()
  const { rows } = await world.pool.query<{ status: string }>('select status from pipeline_runs order by id')
  expect(rows.map(({ status }) => status)).toEqual(['abandoned', 'running', 'succeeded'])
})
