import { expect, inject, onTestFinished, test, vi } from 'vitest'
import { addressOf } from '../support/console.ts'
import { endOf } from '../support/fault-worker.ts'
import { runPulse } from '../support/pulse.ts'
import { readiness } from '../support/readiness.ts'
import { waitFor } from '../support/wait-for.ts'
import { aLiveMessage, aWorld } from '../support/world.ts'
import { ownKafka, type OwnKafka } from './support/own-servers.ts'

/** A broker that hangs with its port open: nothing is refused, nothing is answered. */

vi.setConfig({ testTimeout: 180_000 })

test('a Kafka that hangs is named wherever one looks, and found again when it answers', async ({ skip }) => {
  const cluster = await ownKafka()
  if (typeof cluster === 'string') skip(cluster)
  const own = cluster as OwnKafka
  onTestFinished(() => own.stop())
  const [broker] = own.brokers
  const pid = broker!.control.pid()
  const servers = { kafkaBrokers: broker!.address, databaseUrl: inject('databaseUrl') }
  const world = await aWorld({ servers, partitions: 1 })
  onTestFinished(() => void process.kill(pid, 'SIGCONT')) // before the world is taken away
  const etl = world.startEtl()
  const stopped = world.startEtl()
  for (const worker of [etl, stopped]) await worker.waitForLine('ready', { limitMs: 60_000 })
  const address = await addressOf(etl)
  await world.produce([aLiveMessage()])
  await world.drained()
  await waitFor('the worker to be ready', async () => (await readiness(address)).status === 200)

  process.kill(pid, 'SIGSTOP')
  const began = performance.now()
  const { problem } = await waitFor(
    'the worker to see it',
    async () => {
      const said = await readiness(address)
      return said.status === 503 && said
    },
    { limitMs: 30_000 },
  )
  expect(problem).toBe('Kafka unreachable: no answer in 5 s')
  expect((await fetch(`${address}/healthz`)).status).toBe(200)
  const { rows } = await waitFor('the workers to write it down', async () => {
    const found = await world.pool.query('select from audit.workers where problem = $1', [problem])
    return found.rowCount === 2 && found
  })
  expect(rows).toHaveLength(2)
  expect((await runPulse(world.env, ['status'])).out).toContain(
    `⚠️ Kafka at ${world.env['KAFKA_BROKERS']}: no answer in 6 s`,
  )
  const { code, ms } = await endOf(stopped)
  expect(code).toBe(0)
  expect(ms).toBeLessThan(10_000)
  await waitFor(
    'a run to say what is wrong',
    async () => {
      const failed = await world.pool.query(
        `select from audit.pipeline_runs where status = 'failed' and error like '%Kafka unreachable: %'`,
      )
      return failed.rowCount! > 0
    },
    { limitMs: 60_000 },
  )
  const minutes = (performance.now() - began) / 60_000
  const warnings = etl.lines().filter(({ level, kafka: part }) => level >= 40 && part !== undefined)
  expect(warnings.length / minutes).toBeLessThan(40)

  process.kill(pid, 'SIGCONT')
  await waitFor('the worker to be ready again', async () => (await readiness(address)).status === 200, {
    limitMs: 60_000,
  })
  await world.produce([aLiveMessage()])
  await world.drained()
  await world.assertBalanced()
  expect(await etl.stop()).toBe(0)
})
