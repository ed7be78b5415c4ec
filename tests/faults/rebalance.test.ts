import { setTimeout as delay } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { withAdmin } from '../../etl/kafka/topics.ts'
import type { Child } from '../support/child.ts'
import { aProducer, consumed, progressTo, sentBy, SMALL_BATCHES } from '../support/fault-backlog.ts'
import { waitFor } from '../support/wait-for.ts'
import { aWorld, type World } from '../support/world.ts'
import { seeded } from './support/seed.ts'
import { expectExactlyInThreeTicks } from './support/three-ticks.ts'

// Sessions of the group that end by time: long on a busy machine.
vi.setConfig({ testTimeout: 180_000 })

const TURNS = 10
const MOST_WORKERS = 3

test('three workers that start, stop and die at random under load lose nothing and load nothing twice', async () => {
  const random = seeded()
  const world = await aWorld()
  const producer = aProducer(world, { PRODUCER_RATE: '300' })
  const workers: Child[] = [world.startEtl(SMALL_BATCHES)]
  await progressTo(world, 200, 40_000)

  let endings = 0
  for (let turn = 0; turn < TURNS; turn++) {
    if (workers.length < MOST_WORKERS && (workers.length < 2 || random.chance(0.5))) {
      workers.push(world.startEtl(SMALL_BATCHES))
    } else {
      const [leaving] = workers.splice(random.between(0, workers.length - 1), 1)
      leaving!.kill(random.chance(0.5) ? 'SIGKILL' : 'SIGTERM')
      endings += 1
    }
    await delay(random.between(200, 3_000)) // the rhythm is the fault
  }
  expect(endings).toBeGreaterThan(1)
  const stormy = await consumed(world)
  expect(stormy).toBeGreaterThan(200)
  while (workers.length < MOST_WORKERS) workers.push(world.startEtl(SMALL_BATCHES))
  // The last of the dead is missed only when its session ends.
  await waitFor('the group to be of the three', async () => (await members(world)) === MOST_WORKERS, {
    limitMs: 40_000,
  })
  await progressTo(world, stormy + 300, 40_000)
  producer.kill('SIGTERM')

  await expectExactlyInThreeTicks(world, await sentBy(producer))
  expect(await Promise.all(workers.map((etl) => etl.stop()))).toEqual([0, 0, 0])
})

/** Of the group as it is shared out now; 0 while it rebalances. */
async function members({ kafka, groupId }: World): Promise<number> {
  const { groups } = await withAdmin(kafka, (admin) => admin.describeGroups([groupId]))
  return groups[0]?.state === 'Stable' ? groups[0].members.length : 0
}
