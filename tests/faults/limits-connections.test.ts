import { randomBytes } from 'node:crypto'
import { escapeIdentifier } from 'pg'
import { expect, test } from 'vitest'
import { status } from '../support/fault-worker.ts'
import { waitFor } from '../support/wait-for.ts'
import { aLiveMessage, aWorld, type World } from '../support/world.ts'

const PARTITIONS = 40

test('a worker with many more partitions than connections drains them a few at a time', async () => {
  const world = await aWorld({ partitions: PARTITIONS })
  await produceToAll(world)

  const etl = world.startEtl({ DATABASE_POOL_SIZE: '3', LOG_LEVEL: 'info' })
  await world.drained({ limitMs: 60_000 })

  expect(await world.facts()).toHaveLength(PARTITIONS)
  expect(await sessions(world)).toBeLessThanOrEqual(3 + BESIDE_THE_RUNS)
  expect(etl.lines().filter(({ level }) => level >= 50)).toEqual([])
  await world.assertBalanced()
  expect(await etl.stop()).toBe(0)
})

test('a worker whose connections others have taken says so, is not ready, and goes on by itself', async () => {
  const world = await aWorld({ partitions: 6 })
  // Not the superuser, for whom no limit holds.
  const login = `crowded_${randomBytes(6).toString('hex')}`
  const role = escapeIdentifier(login)
  await world.pool.query(`create role ${role} login password 'crowded' in role pulse_loader`)
  const url = new URL(world.env['DATABASE_URL']!)
  url.username = login
  url.password = 'crowded'
  const limit = (connections: number) =>
    world.pool.query(`alter role ${role} connection limit ${connections}`)

  const etl = world.startEtl({ DATABASE_URL: url.href })
  await etl.waitForLine('ready', { limitMs: 60_000 })
  await produceToAll(world, 6)
  await world.drained({ limitMs: 60_000 })

  await limit(1)
  await world.pool.query('select pg_terminate_backend(pid) from pg_stat_activity where usename = $1', [login])
  await produceToAll(world, 6)
  await etl.waitForLine(({ err }) => (err as { code?: string } | undefined)?.code === '53300', {
    limitMs: 30_000,
  })
  await waitFor('the worker to say that it is not ready', async () => (await status(etl, '/readyz')) === 503)
  expect(await status(etl, '/healthz')).toBe(200)

  await limit(-1)
  await world.drained({ limitMs: 60_000 })
  await waitFor('the worker to be ready', async () => (await status(etl, '/readyz')) === 200)
  expect(await world.facts()).toHaveLength(12)
  expect(await world.deadLetters()).toEqual([])
  await world.assertBalanced()
  expect(await etl.stop()).toBe(0)
  await world.pool.query(`drop owned by ${role}; drop role ${role}`)
})

/** Of the operations' pool and the console's. */
const BESIDE_THE_RUNS = 7

async function produceToAll(world: World, partitions = PARTITIONS): Promise<void> {
  for (let partition = 0; partition < partitions; partition += 1)
    await world.produce([aLiveMessage()], { partition })
}

async function sessions({ pool }: World): Promise<number> {
  const { rows } = await pool.query<{ n: string }>(
    `select count(*) as n from pg_stat_activity
     where datname = current_database() and application_name like 'global-sales-pulse%'`,
  )
  return Number(rows[0]!.n)
}
