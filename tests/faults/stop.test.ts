import { expect, test } from 'vitest'
import { withAdmin } from '../../etl/kafka/topics.ts'
import { aBacklog, consumed, progressTo, SMALL_BATCHES } from '../support/fault-backlog.ts'
import { fastLoads, slowLoads } from '../support/fault-slow-loads.ts'
import { expectExactly } from '../support/fault-totals.ts'
import { endOf } from '../support/fault-worker.ts'
import { waitFor } from '../support/wait-for.ts'
import { aWorld, type World } from '../support/world.ts'

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s in the middle of a backlog ends the worker in time, and the next one loads the rest',
  async (signal) => {
    const world = await aWorld()
    const sent = await aBacklog(world, 4_000)
    await slowLoads(world.pool, 0.02)
    const etl = world.startEtl(SMALL_BATCHES)
    await progressTo(world, 200)

    const { code, ms } = await endOf(etl, signal)

    expect(code).toBe(0)
    expect(ms).toBeLessThan(10_000)
    expect(etl.said('stopped')).toBeDefined()
    const loaded = await consumed(world)
    expect(loaded).toBeLessThan(sent.total)
    expect(await committed(world)).toBe(loaded)
    await fastLoads(world.pool)
    const next = world.startEtl()
    await expectExactly(world, sent)
    expect(await next.stop()).toBe(0)
  },
)

test('a worker whose load waits for a lock still ends in time, and nothing of the batch is there', async () => {
  const { world, etl, sent, release } = await aBlockedWorker()

  const { code, ms } = await endOf(etl)

  expect(code).toBe(0)
  expect(ms).toBeLessThan(10_000)
  expect(await consumed(world)).toBe(0)
  await release()
  const next = world.startEtl()
  await expectExactly(world, sent)
  expect(await next.stop()).toBe(0)
})

test('a second signal more than a second after the first ends the worker at once, and costs nothing', async () => {
  const { world, etl, sent, release } = await aBlockedWorker()
  const asked = performance.now()
  const again = setInterval(() => etl.kill('SIGTERM'), 100)
  etl.kill('SIGTERM')

  const code = await etl.exited.finally(() => clearInterval(again))

  expect(code).toBe(143)
  expect(etl.said('ended at once')).toBeDefined()
  expect(performance.now() - asked).toBeGreaterThan(1_000)
  expect(performance.now() - asked).toBeLessThan(3_000)
  await release()
  const next = world.startEtl()
  await expectExactly(world, sent)
  expect(await next.stop()).toBe(0)
})

test('a worker that still waits for its place in the group ends in time', async () => {
  const world = await aWorld({ partitions: 1 })
  const dead = world.startEtl()
  await dead.waitForLine('ready')
  dead.kill('SIGKILL')
  await dead.exited
  const etl = world.startEtl({ LOG_LEVEL: 'debug' })
  // The group waits for the dead one's session to end.
  await etl.waitForLine('DATABASE_URL')
  await waitFor('the group to rebalance', async () => (await groupState(world)) === 'PreparingRebalance')

  const { code, ms } = await endOf(etl)

  expect(code).toBe(0)
  expect(ms).toBeLessThan(3_000)
  expect(etl.said('joined the group')).toBeUndefined()
})

/** A worker whose first load waits for a lock that the test holds until it releases it. */
async function aBlockedWorker() {
  const world = await aWorld({ partitions: 1 })
  const sent = await aBacklog(world, 300)
  await world.pool.query(
    `create function audit.locked() returns trigger language plpgsql as
       $$ begin perform pg_advisory_xact_lock(1); return new; end $$;
     create trigger strike_locked before insert on audit.pipeline_batches execute function audit.locked()`,
  )
  const client = await world.pool.connect()
  await client.query('begin; select pg_advisory_xact_lock(1)')
  const etl = world.startEtl(SMALL_BATCHES)
  await waitFor('the load to wait for the lock', async () => {
    const { rows } = await world.pool.query(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    )
    return rows.length > 0
  })
  const release = async () => {
    await client.query('rollback')
    client.release()
  }
  return { world, etl, sent, release }
}

/** The sum of the group's offsets: records, as these topics have no gaps. */
async function committed(world: World): Promise<number> {
  return [...(await world.groupOffsets()).values()].reduce((sum, offset) => sum + Math.max(offset, 0), 0)
}

async function groupState({ kafka, groupId }: World): Promise<string | undefined> {
  const { groups } = await withAdmin(kafka, (admin) => admin.describeGroups([groupId]))
  return groups[0]?.state
}
