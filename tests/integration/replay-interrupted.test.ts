import type { PoolClient } from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { continueAction, stopAction } from '../../etl/operations/actions.ts'
import { ADA } from '../support/background.ts'
import { ALL, aReplayer, ask, notByNewRules, settled } from '../support/replayer.ts'
import { waitFor } from '../support/wait-for.ts'
import { aParcel, aWorldOfParcels } from '../support/parcels.ts'
import type { World } from '../support/world.ts'

/** A replay stops, or its worker does, at any point: nothing is half done, and it goes on where it was. */

const PER_PARTITION = 100

async function aLoadedWorld(): Promise<World> {
  const world = await aWorldOfParcels()
  for (const partition of [0, 1, 2])
    await world.produce(
      Array.from({ length: PER_PARTITION }, (_, i) => aParcel({ fee: i + 1 })),
      { partition },
    )
  await world.runOnce()
  return world
}

/** Holds a partition as a load does that takes its time. */
async function hold(world: World, partition: number): Promise<PoolClient> {
  const client = await world.pool.connect()
  onTestFinished(() => client.release(true))
  await client.query('begin')
  await client.query('select from audit.partition_progress where partition = $1 for update', [partition])
  return client
}

/** Resolves when so many steps of a replay wait for the partition that is held. */
const stepsWait = (world: World, steps = 1) =>
  waitFor(`${steps} steps to wait for a partition`, async () => {
    const { rowCount } = await world.pool.query(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
         and query like '%partition_progress%'`,
    )
    return rowCount === steps
  })

const progressOf = async (world: World) => {
  const { rows } = await world.pool.query<Record<string, unknown>>(
    `select a.status, a.done, r.status as run, r.error, r.retries,
            (select sum(next_offset - from_offset)::int from audit.replay_ranges) as passed,
            (select sum(records)::int from audit.replay_ranges) as records,
            (select sum(changed)::int from audit.replay_ranges) as changed
     from audit.operator_actions a left join audit.pipeline_runs r on r.id = a.run_id where a.action = 'replay'`,
  )
  return rows[0]
}

const FIGURES = { records: 300, facts: 300, changed: 300, withoutFact: 0, dear: { before: 0, after: 150 } }

async function expectDone(world: World, id: number): Promise<void> {
  expect((await settled(world, id, 'succeeded')).result).toMatchObject(FIGURES)
  expect(await notByNewRules(world)).toEqual([])
  expect(await progressOf(world)).toMatchObject({ done: 300, passed: 300, records: 300, changed: 300 })
  await world.assertBalanced()
}

test('an operator stops it and lets it go on: facts and rollup agree in between', async () => {
  const world = await aLoadedWorld()
  const held = await hold(world, 1)
  await aReplayer(world, { batchSize: 40 })
  const id = await ask(world)
  await stepsWait(world)
  expect(await progressOf(world)).toMatchObject({ status: 'running', done: 100, run: 'running' })
  await stopAction(world.pool, ADA, id)
  // It hears so with its heartbeat, and ends after the step that is under way.
  await heard(world, id)
  await held.query('rollback')

  const stopped = await settled(world, id, 'stopped')
  expect(stopped).toMatchObject({ done: 140, total: 300, result: { records: 140, changed: 140 } })
  expect(await progressOf(world)).toMatchObject({
    run: 'abandoned',
    error: 'stopped by an operator; it can be continued',
    passed: 140,
  })
  const left = await notByNewRules(world)
  expect(left).toHaveLength(160)
  expect(left[0]).toEqual({ partition: 1, offset: 40 })
  await world.assertBalanced()

  await continueAction(world.pool, ADA, id)
  await expectDone(world, id)
  const { rows } = await world.pool.query(
    `select id, status, error from audit.pipeline_runs where kind = 'replay'`,
  )
  expect(rows).toEqual([{ id: stopped.runId, status: 'succeeded', error: null }])
})

/** Two heartbeats after now: the first may have looked before. */
async function heard(world: World, id: number): Promise<void> {
  const beats = new Set<number>()
  await waitFor('two heartbeats', async () => {
    const { rows } = await world.pool.query<{ at: Date }>(
      'select heartbeat_at as at from audit.operator_actions where id = $1',
      [id],
    )
    beats.add(rows[0]!.at.getTime())
    return beats.size > 2
  })
}

test('a worker that ends gives it back, and another goes on', async () => {
  const world = await aLoadedWorld()
  const held = await hold(world, 2)
  const first = await aReplayer(world, { batchSize: 40 })
  const id = await ask(world)
  await stepsWait(world)
  const ended = first.stop()
  await held.query('rollback')
  await ended
  expect(await progressOf(world)).toMatchObject({
    status: 'pending',
    done: 240,
    run: 'abandoned',
    error: 'the worker ended; another one goes on',
  })
  await aReplayer(world, { batchSize: 40 })
  await expectDone(world, id)
})

test('a worker that hangs is taken over; waking up, it changes nothing', async () => {
  const world = await aLoadedWorld()
  const held = await hold(world, 1)
  const silent = await aReplayer(world, { batchSize: 40 })
  const id = await ask(world)
  await stepsWait(world)
  // Its heartbeat comes each two seconds; right after this, the other one looks.
  const taken = (await aReplayer(world, { batchSize: 40 })).name
  await waitFor('the other one to have it', async () => {
    await world.pool.query(
      `update audit.operator_actions set heartbeat_at = now() - interval '2 minutes' where worker = $1`,
      [silent.name],
    )
    const { rows } = await world.pool.query<{ worker: string }>('select worker from audit.operator_actions')
    return rows[0]!.worker === taken
  })
  await stepsWait(world, 2)
  await held.query('rollback')

  await expectDone(world, id)
  const { rows } = await world.pool.query(
    `select status, worker from audit.pipeline_runs where kind = 'replay'`,
  )
  expect(rows).toEqual([{ status: 'succeeded', worker: taken }])
})

test('the warehouse closes its connections in the middle: it goes on by itself, nothing is counted twice', async () => {
  const world = await aLoadedWorld()
  const held = await hold(world, 1)
  await aReplayer(world, { batchSize: 40 })
  const id = await ask(world)
  await stepsWait(world)
  await world.pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and application_name like 'global-sales-pulse%'`,
  )
  await held.query('rollback')
  await expectDone(world, id)
  expect(await progressOf(world)).toMatchObject({ run: 'succeeded', error: null })
})

test('paused, it waits; resumed, it goes on', async () => {
  const world = await aLoadedWorld()
  const held = await hold(world, 0)
  const replayer = await aReplayer(world, { batchSize: 40 })
  const id = await ask(world)
  await stepsWait(world)
  replayer.pause()
  await waitFor('its heartbeat to hear of it', () =>
    world.pool
      .query<{ since: number }>(
        `select extract(epoch from now() - heartbeat_at)::float8 as since from audit.operator_actions`,
      )
      .then(({ rows }) => rows[0]!.since > 2.5),
  )
  await held.query('rollback')
  await settled(world, id, 'pending')
  expect(await progressOf(world)).toMatchObject({
    done: 40,
    run: 'abandoned',
    error: 'everything was paused; it goes on when resumed',
  })
  replayer.resume()
  await expectDone(world, id)
})

test('another replay is refused while one is not finished, however close they come', async () => {
  const world = await aLoadedWorld()
  const asked = await Promise.allSettled([ask(world), ask(world, ALL, { dryRun: true }), ask(world)])
  expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  const id = (asked.find(({ status }) => status === 'fulfilled') as PromiseFulfilledResult<number>).value
  await expect(ask(world)).rejects.toThrow(`Replay ${id} is not finished`)
  await stopAction(world.pool, ADA, id)
  expect(await ask(world)).toBeGreaterThan(id)
})

test('one that was stopped is not continued while another is not finished; who stopped it is on record', async () => {
  const world = await aLoadedWorld()
  const first = await ask(world)
  await stopAction(world.pool, ADA, first)
  const second = await ask(world)
  await expect(continueAction(world.pool, ADA, first)).rejects.toThrow(`Replay ${second} is not finished`)
  await expect(stopAction(world.pool, ADA, first)).rejects.toThrow(`Action ${first} is stopped`)
  const { rows } = await world.pool.query(
    `select target, requested_by from audit.operator_actions where action = 'stop_action'`,
  )
  expect(rows).toEqual([{ target: { action: first }, requested_by: ADA.name }])
})
