import { expect, onTestFinished, test } from 'vitest'
import { readAction } from '../../etl/operations/actions.ts'
import { requestDismiss } from '../../etl/dead-letters/dismiss.ts'
import { ADA, askForRedrive, lettersOf, openBackground } from '../support/background.ts'
import { waitFor } from '../support/wait-for.ts'
import { aLiveMessage, aWorld, type World } from '../support/world.ts'

/** As somebody sends it who names a dead letter by hand. */
const redriven = (world: World, offset: number, value: object | string) => ({
  key: null,
  value: Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)),
  headers: { 'redrive-of': `${world.topic}:0:${offset}` },
  partition: 0,
})

test.each(['redrive', 'dismiss'] as const)(
  '%s: what a load resolves that began before it was asked for is counted',
  async (what) => {
    const world = await aWorld({ partitions: 1 })
    await world.produce(['{', '['])
    await world.runOnce()
    await world.produceRecords([0, 1].map((offset) => redriven(world, offset, aLiveMessage())))
    const holder = await world.pool.connect()
    onTestFinished(() => holder.release(true))
    await holder.query('begin; select from audit.dead_letters for update')
    const run = world.runOnce()
    await waitFor('the load to wait', async () => {
      const { rowCount } = await world.pool.query(
        `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      )
      return rowCount === 1
    })
    const asked =
      what === 'redrive'
        ? await askForRedrive(world, {})
        : await requestDismiss(world.pool, ADA, lettersOf({}), 'why', { stream: world.stream.name })
    await holder.query('rollback')
    await run
    const lane = await openBackground(world)
    expect(await lane.until(asked)).toMatchObject({
      total: 2,
      done: 2,
      result: { skipped: { resolved: 2 } },
    })
  },
)

test('a dead letter that is a later attempt and is named itself, in one batch, is settled once', async () => {
  const world = await aWorld({ partitions: 1 })
  await world.produce(['{'])
  await world.runOnce()
  await world.produceRecords([redriven(world, 0, '{')])
  await world.runOnce()
  await world.produceRecords([redriven(world, 0, aLiveMessage()), redriven(world, 1, '[')])
  await world.runOnce()
  expect(await world.deadLetters()).toMatchObject([
    { resolution: expect.stringMatching(/^loaded/) },
    { resolution: expect.stringMatching(/^loaded/), attempts: 1 },
    { resolved_at: null },
  ])
})

test('an action whose end could not be written down goes on in seconds, not when its worker seems dead', async () => {
  const world = await aWorld({ partitions: 1 })
  await world.produce(['{'])
  await world.runOnce()
  const { id } = await askForRedrive(world, {})
  let sends = 0
  const lane = await openBackground(world, {
    producer: (producer) => ({
      ...producer,
      send: async (topic, records) => {
        await producer.send(topic, records)
        // From here on the loader is not let in, as while the warehouse is away.
        if (++sends === 1) await world.pool.query('revoke update on audit.operator_actions from pulse_loader')
      },
    }),
  })
  await waitFor('the record to be sent', () => sends > 0)
  await waitFor('its heartbeat to fail, long after the step did', async () => {
    const { rowCount } = await world.pool.query(
      `select from audit.operator_actions where heartbeat_at < now() - interval '3 seconds'`,
    )
    return rowCount === 1
  })
  await world.pool.query('grant update on audit.operator_actions to pulse_loader')
  expect((await readAction(world.pool, id)).status).toBe('running')
  expect(await lane.until({ id })).toMatchObject({ status: 'succeeded', done: 1 })
})
