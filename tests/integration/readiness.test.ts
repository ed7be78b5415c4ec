import { escapeIdentifier } from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { withAdmin } from '../../etl/kafka/topics.ts'
import { addressOf, CONSOLE_ENV, OPERATOR_PASSWORD } from '../support/console.ts'
import { endOf } from '../support/fault-worker.ts'
import { runPulse } from '../support/pulse.ts'
import { readiness } from '../support/readiness.ts'
import { waitFor } from '../support/wait-for.ts'
import { aLiveMessage, aWorld, type World } from '../support/world.ts'

/** What a worker says of itself where something that it needs is there and yet of no use. */

test('a warehouse that takes no writes is named by the worker, in the console and by pulse', async () => {
  const world = await aWorld({ partitions: 1 })
  const etl = world.startEtl(CONSOLE_ENV)
  const address = await addressOf(etl)
  await waitFor('the worker to be ready', async () => (await readiness(address)).status === 200)
  const overview = await logIn(address)
  await world.pool.query(`update console_sessions set seen_at = now() - interval '5 minutes'`)

  await readOnly(world, 'on')
  // Its connections end first, and for a moment it has none.
  const problem = /^the warehouse can't be written to: .*read-only transaction/
  await waitFor('the worker to see it', async () => {
    const said = await readiness(address)
    return said.status === 503 && problem.test(said.problem ?? '')
  })
  const page = await overview()
  expect(page).toContain('Warehouse takes no writes')
  expect(page).not.toContain('No worker')
  expect((await runPulse(world.env, ['status'])).out).toContain('the warehouse is read-only')

  await readOnly(world, 'off')
  await waitFor('the worker to be ready again', async () => (await readiness(address)).status === 200)
  await world.produce([aLiveMessage()])
  await world.drained()
  expect(await etl.stop()).toBe(0)
})

test('a worker that is stopped while its run hangs leaves the group all the same', async () => {
  const world = await aWorld({ partitions: 1 })
  const etl = world.startEtl()
  await etl.waitForLine('joined the group')
  const rival = await world.pool.connect()
  onTestFinished(() => rival.release(true))
  await rival.query('begin; lock table audit.pipeline_runs in access exclusive mode')
  await waitFor('a run to hang', async () => {
    const { rowCount } = await rival.query(`select from pg_locks where not granted`)
    return rowCount! > 0
  })
  const { code, ms } = await endOf(etl)
  expect(code).toBe(0)
  expect(ms).toBeLessThan(10_000)
  const { groups } = await withAdmin(world.kafka, (admin) => admin.describeGroups([world.groupId]))
  expect(groups[0]!.members).toEqual([])
})

/** For new sessions, and the old ones are ended: as a failover leaves the job on a standby. */
async function readOnly({ env, pool }: World, to: 'on' | 'off'): Promise<void> {
  const name = new URL(env['DATABASE_URL']!).pathname.slice(1)
  await pool.query(
    `set transaction_read_only = off; alter database ${escapeIdentifier(name)} set default_transaction_read_only = ${to}`,
  )
  await pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and pid <> pg_backend_pid()`,
    [name],
  )
}

/** @returns what gives the overview. */
async function logIn(address: string): Promise<() => Promise<string>> {
  const body = new URLSearchParams({ name: 'Ada', password: OPERATOR_PASSWORD })
  const { headers } = await fetch(`${address}/login`, { method: 'POST', body, redirect: 'manual' })
  const cookie = headers.get('set-cookie')!.split(';')[0]!
  return async () => (await fetch(address, { headers: { cookie } })).text()
}
