import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Child } from '../support/child.ts'
import {
  aBacklog,
  aProducer,
  consumed,
  progressTo,
  sentBy,
  SMALL_BATCHES,
  together,
} from '../support/fault-backlog.ts'
import { status } from '../support/fault-worker.ts'
import { waitFor } from '../support/wait-for.ts'
import { aWorld, type World } from '../support/world.ts'
import { expectExactlyInThreeTicks } from './support/three-ticks.ts'

const HOUR_MS = 3_600_000
const FLOW = { PRODUCER_RATE: '200' }

test('a machine whose clock jumps an hour, forwards or backwards, goes on with its ticks and rejects no record for it', async () => {
  await Promise.all([HOUR_MS, -HOUR_MS].map(jump))
})

async function jump(byMs: number): Promise<void> {
  const world = await aWorld()
  const clock = {
    NODE_OPTIONS: `--import ${new URL('support/jumping-clock.ts', import.meta.url).href}`,
    CLOCK_JUMP_MS: String(byMs),
  }
  const etl = world.startEtl({ ...SMALL_BATCHES, ...clock })
  const producer = aProducer(world, { ...FLOW, ...clock })
  await progressTo(world, 200, 60_000)

  for (const child of [etl, producer]) child.kill('SIGUSR2')
  await etl.waitForLine(({ time }) => Math.abs(Date.parse(String(time)) - Date.now() - byMs) < 60_000)
  const before = await lastRun(world)

  const records = await consumed(world)
  await progressTo(world, records + 400, 60_000)
  await waitFor('three more ticks', async () => (await lastRun(world)) >= before + 3, { limitMs: 30_000 })
  expect(await status(etl, '/healthz')).toBe(200)
  producer.kill('SIGTERM')
  await expectExactlyInThreeTicks(world, await sentBy(producer))
  expect(await etl.stop()).toBe(0)
}

test('a tick that falls into a moment in which the process stands still is made right after it', async () => {
  const PERIOD_MS = 10_000
  const world = await aWorld({ partitions: 1 })
  const etl = world.startEtl({ ETL_SCHEDULE: '*/10 * * * * *' })
  const sent = await aBacklog(world, 50)
  await waitFor('a first tick', async () => (await consumed(world)) === 50, { limitMs: 20_000 })
  const more = await aBacklog(world, 50)

  const due = Math.ceil(Date.now() / PERIOD_MS) * PERIOD_MS
  await delay(due - 200 - Date.now()) // the moment itself is what is tested
  await standStill(etl, 1_700)

  await waitFor('the missed tick', async () => (await consumed(world)) === 100, { limitMs: 4_000 })
  expect(Date.now() - due).toBeLessThan(PERIOD_MS / 2)
  expect(await status(etl, '/healthz')).toBe(200)
  await expectExactlyInThreeTicks(world, together(sent, more))
  expect(await etl.stop()).toBe(0)
})

/** As a long garbage collection or a busy loop does: timers come late, and the clock has gone on. */
async function standStill(etl: Child, ms: number): Promise<void> {
  etl.kill('SIGSTOP')
  await delay(ms)
  etl.kill('SIGCONT')
}

async function lastRun({ pool }: World): Promise<number> {
  const { rows } = await pool.query<{ id: number }>(
    'select coalesce(max(id), 0) as id from audit.pipeline_runs',
  )
  return Number(rows[0]?.id)
}
