import { expect, test } from 'vitest'
import type { Child } from '../support/child.ts'
import { aBacklog, aProducer, consumed, progressTo, sentBy, SMALL_BATCHES } from '../support/fault-backlog.ts'
import { fastLoads, slowLoads } from '../support/fault-slow-loads.ts'
import { expectExactly } from '../support/fault-totals.ts'
import { endOf, shares } from '../support/fault-worker.ts'
import { waitFor } from '../support/wait-for.ts'
import { aWorld, type World } from '../support/world.ts'

test('a second worker takes partitions over while the first drains them, and nothing is lost or loaded twice', async () => {
  const world = await aWorld()
  const sent = await aBacklog(world, 6_000)
  // Slow enough that the rebalance comes in the middle, with loads in hand and offsets to be committed.
  await slowLoads(world.pool, 0.1)
  const first = world.startEtl(SMALL_BATCHES)
  await progressTo(world, 200)

  const second = world.startEtl(SMALL_BATCHES)
  const shared = () => shares(first).length > 1 && shares(second).length > 0
  await waitFor('the group to share the partitions out', shared, { limitMs: 20_000 })
  expect(await consumed(world)).toBeLessThan(sent.total)
  await fastLoads(world.pool)

  await expectExactly(world, sent)
  expect(new Set([shares(first).at(-1), shares(second).at(-1)].flat())).toEqual(new Set([0, 1, 2]))
  expect(await workersThatLoaded(world)).toBe(2)
  expect([await first.stop(), await second.stop()]).toEqual([0, 0])
})

test('workers that come and go in turn while records arrive lose nothing and load nothing twice', async () => {
  const world = await aWorld()
  const producer = aProducer(world, { PRODUCER_RATE: '300' })
  const running: Child[] = []
  for (let turn = 0; turn < 4; turn++) {
    const next = world.startEtl(SMALL_BATCHES)
    await next.waitForLine('joined the group')
    running.push(next)
    if (running.length < 3) continue
    const leaving = running.shift() as Child
    const { code, ms } = await endOf(leaving)
    expect(code).toBe(0)
    expect(ms).toBeLessThan(10_000)
  }
  producer.kill('SIGTERM')

  await expectExactly(world, await sentBy(producer))
  for (const etl of running) expect(await etl.stop()).toBe(0)
  expect(await workersThatLoaded(world)).toBeGreaterThan(1)
})

async function workersThatLoaded({ pool }: World): Promise<number> {
  const { rows } = await pool.query<{ n: string }>(
    'select count(distinct worker) as n from audit.pipeline_batches join audit.pipeline_runs r on r.id = run_id',
  )
  return Number(rows[0]?.n)
}
