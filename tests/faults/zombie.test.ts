import { expect, test, vi } from 'vitest'
import type { Child, LogLine } from '../support/child.ts'
import { aBacklog, consumed, SMALL_BATCHES, together, type Sent } from '../support/fault-backlog.ts'
import { holdAt, isHeld, letGo, type Point } from '../support/fault-points.ts'
import { expectExactly } from '../support/fault-totals.ts'
import { shares } from '../support/fault-worker.ts'
import { waitFor } from '../support/wait-for.ts'
import { aWorld, type World } from '../support/world.ts'

// Sessions of the group that end by time, and servers that start: long on a busy machine.
vi.setConfig({ testTimeout: 120_000 })

test('a worker that is frozen inside its transaction loses it, and wakes up without harm', async () => {
  const { world, zombie, successor, sent } = await aZombie('before the commit')
  await waitFor('the successor to wait for the watermark', () => waitsForWatermark(world), {
    limitMs: 15_000,
  })
  // Postgres ends the frozen transaction after 15 s.
  await waitFor('the successor to have loaded all', async () => (await consumed(world)) === sent.total, {
    limitMs: 25_000,
  })

  zombie.kill('SIGCONT')

  await zombie.waitForLine('the load failed, trying again')
  expect(await failedRuns(world, zombie, successor, sent)).toEqual([])
})

test('a worker that is frozen in its commit wakes up without harm to what another has loaded', async () => {
  const { world, zombie, successor, sent } = await aZombie('in the commit')
  await waitFor('the successor to have loaded all', async () => (await consumed(world)) === sent.total, {
    limitMs: 15_000,
  })

  // Frozen in its turn, so that the group can't take the zombie back before it has acted on what it believes.
  successor.kill('SIGSTOP')
  zombie.kill('SIGCONT')
  await zombie.waitForLine('The coordinator is not aware of this member')
  successor.kill('SIGCONT')

  await zombie.waitForLine('loaded, but the group refused the offset')
  expect(await failedRuns(world, zombie, successor, sent)).toEqual([])
})

/** A worker that is frozen at a point of its first load, and another that takes its partition over. */
async function aZombie(point: Point) {
  const world = await aWorld({ partitions: 1 })
  const sent = await aBacklog(world, 1_000)
  await holdAt(world.pool, point)
  const zombie = world.startEtl(SMALL_BATCHES)
  await isHeld(world.pool)
  zombie.kill('SIGSTOP')
  await letGo(world.pool, point)
  return { world, zombie, successor: world.startEtl(SMALL_BATCHES), sent }
}

async function waitsForWatermark({ pool }: World): Promise<boolean> {
  const { rows } = await pool.query(
    `select from pg_stat_activity where datname = current_database()
       and wait_event_type = 'Lock' and query like '%audit.partition_progress%'`,
  )
  return rows.length > 0
}

/** Lets both go on until all is loaded and they have stopped, and gives the runs that failed. */
async function failedRuns(world: World, zombie: Child, successor: Child, sent: Sent): Promise<LogLine[]> {
  await waitFor('the zombie to come back into the group', () => shares(zombie).length > 1, {
    limitMs: 20_000,
  })
  await expectExactly(world, together(sent, await aBacklog(world, 500)))
  expect([await zombie.stop(), await successor.stop()]).toEqual([0, 0])
  return [zombie, successor].flatMap((etl) => etl.lines().filter(({ msg }) => msg === 'run failed'))
}
