import { expect, test } from 'vitest'
import { aBacklog, consumed, SMALL_BATCHES, together } from '../support/fault-backlog.ts'
import { holdAt, isHeld, letGo, type Point } from '../support/fault-points.ts'
import { expectExactly } from '../support/fault-totals.ts'
import { shares } from '../support/fault-worker.ts'
import { waitFor } from '../support/wait-for.ts'
import { aWorld } from '../support/world.ts'

interface Case {
  readonly point: Point
  /** Within which the successor must have loaded all. */
  readonly limitMs: number
  /** What it says when it goes on. */
  readonly says: string
}

const cases: [string, Case][] = [
  [
    'a worker that is frozen inside its transaction loses it, and wakes up without harm',
    // Postgres ends it after 15 s of idleness; the successor waits for its lock by then.
    { point: 'before the commit', limitMs: 25_000, says: 'the load failed, trying again' },
  ],
  [
    'a worker that is frozen in its commit wakes up without harm to what another has loaded',
    { point: 'in the commit', limitMs: 15_000, says: 'loaded, but the group refused the offset' },
  ],
]

test.for(cases)('%s', async ([, { point, limitMs, says }]) => {
  const world = await aWorld({ partitions: 1 })
  const backlog = await aBacklog(world, 1_000)
  await holdAt(world.pool, point)
  const zombie = world.startEtl(SMALL_BATCHES)
  await isHeld(world.pool)
  zombie.kill('SIGSTOP')
  await letGo(world.pool, point)

  const successor = world.startEtl(SMALL_BATCHES)
  await waitFor('the successor to have loaded all', async () => (await consumed(world)) === backlog.total, {
    limitMs,
  })

  // Frozen in its turn, so that the group can't take the zombie back before it has acted on what it believes.
  successor.kill('SIGSTOP')
  zombie.kill('SIGCONT')
  await zombie.waitForLine('The coordinator is not aware of this member')
  successor.kill('SIGCONT')
  await zombie.waitForLine(says)
  await waitFor('the zombie to come back into the group', () => shares(zombie).length > 1, {
    limitMs: 20_000,
  })
  await expectExactly(world, together(backlog, await aBacklog(world, 500)))
  expect([await zombie.stop(), await successor.stop()]).toEqual([0, 0])
})
