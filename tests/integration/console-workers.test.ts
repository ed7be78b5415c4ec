import { expect, test } from 'vitest'
import type { Child } from '../support/child.ts'
import { addressOf, API_TOKEN, CONSOLE_ENV } from '../support/console.ts'
import { waitFor } from '../support/wait-for.ts'
import { aLiveMessage, aWorld } from '../support/world.ts'

/** What a program with the API token posts. */
async function post(etl: Child, path: string, body: object): Promise<number> {
  const answer = await fetch(`${await addressOf(etl)}/api/v1${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${API_TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return answer.status
}

const good = () => Array.from({ length: 5 }, () => aLiveMessage())

test('pausing in the console of one worker stops both, and resuming in the other’s starts both', async () => {
  const world = await aWorld({ partitions: 2 })
  const workers = [world.startEtl(CONSOLE_ENV), world.startEtl(CONSOLE_ENV)] as const
  const [one, other] = workers
  for (const worker of workers) await worker.waitForLine('ready')
  await waitFor('each to have a partition', async () => {
    const { rows } = await world.pool.query(`select 1 from audit.workers where cardinality(partitions) = 1`)
    return rows.length === 2
  })
  for (const partition of [0, 1]) await world.produce(good(), { partition })
  await world.drained()

  expect(await post(one, '/pause', { reason: 'two workers' })).toBeLessThan(300)
  for (const worker of workers) await worker.waitForLine('paused')
  await waitFor('no run to be under way', async () => {
    const { rows } = await world.pool.query(`select 1 from audit.pipeline_runs where status = 'running'`)
    return rows.length === 0
  })
  const runs = async () => (await world.pool.query('select count(*) from audit.pipeline_runs')).rows
  const before = await runs()
  for (const partition of [0, 1]) await world.produce(good(), { partition })
  const from = Date.now()
  await waitFor('two ticks to pass', () => Date.now() - from > 2_500)
  expect(await runs()).toEqual(before)
  expect(await world.facts()).toHaveLength(10)

  expect(await post(other, '/resume', {})).toBeLessThan(300)
  await world.drained()
  expect(await world.facts()).toHaveLength(20)
  const ran = await world.pool.query<{ worker: string }>(
    `select distinct r.worker from audit.pipeline_runs r join audit.pipeline_batches b on b.run_id = r.id`,
  )
  expect(ran.rows).toHaveLength(2)
  await world.assertBalanced()
})
