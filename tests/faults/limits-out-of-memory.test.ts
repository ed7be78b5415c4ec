import { expect, test } from 'vitest'
import type { Child } from '../support/child.ts'
import { expectAcknowledged } from '../support/fault-totals.ts'
import { aLiveMessage, aWorld, type World } from '../support/world.ts'
import { stream } from '../support/stream.ts'

const MANY = 60_000
const CHUNK = 2_000
/** Enough for the worker and usual batches; not for one of all records, which it is told to make. */
const TOO_MUCH = {
  NODE_OPTIONS: '--max-old-space-size=72',
  BATCH_SIZE: '100000',
  BATCH_BYTES: '67108864',
}
const MOST_DEATHS = 8

test(
  'a worker that dies of a batch takes it in smaller pieces in its next life, and the rest is loaded',
  { timeout: 240_000 },
  async () => {
    const world = await aWorld({ partitions: 2 })
    for (let sent = 0; sent < MANY; sent += CHUNK)
      await world.produce(Array.from({ length: CHUNK }, () => aLiveMessage()))
    await world.produce([aLiveMessage(), 'no JSON'], { partition: 1 })

    const lives = await supervise(world, MOST_DEATHS)

    // Batches grow again as they are loaded, so a later life may die of one too, and begin anew.
    expect(lives[1]?.said('begins with smaller batches')).toBeDefined()
    const last = lives.pop()!
    for (const life of lives) expect(life.output()).toContain('heap out of memory')
    expect(await world.facts()).toHaveLength(MANY + 1)
    expect(await world.deadLetters()).toHaveLength(1)
    await expectAcknowledged(world)
    await world.assertBalanced()
    expect(await last.stop()).toBe(0)
  },
)

/** Starts a worker, and the next one where it has ended, until all is drained; all of them. */
async function supervise(world: World, mostDeaths: number): Promise<Child[]> {
  const drained = world.drained({ limitMs: 150_000 }).then(() => 'drained')
  const lives: Child[] = []
  for (;;) {
    const etl = world.startEtl(TOO_MUCH)
    lives.push(etl)
    if ((await Promise.race([etl.exited, drained])) === 'drained') return lives
    if (lives.length > mostDeaths)
      throw new Error(`it died ${mostDeaths} times: ${etl.output().slice(-2_000)}`)
    await aWhileLater(world)
  }
}

test('a partition that ends workers with one record alone rests and says so, the others go on; then it is tried again', async () => {
  const world = await aWorld({ partitions: 2 })
  await world.produce([aLiveMessage(), aLiveMessage()])
  await world.runOnce()
  await world.produce([aLiveMessage(), aLiveMessage()])
  await world.produce([aLiveMessage()], { partition: 1 })
  // As the next worker finds it: the last of eight has taken it up, and died.
  await world.pool.query(
    `with dead as (
       insert into audit.pipeline_runs (stream, kind, worker, status, finished_at) values ('${stream.name}', 'tick', 'a dead one', 'abandoned', now())
       returning id
     )
     update audit.partition_progress set taken_up_by = dead.id, taken_up_at = now(), taken_up_offset = next_offset, deaths = 7
     from dead where partition = 0`,
  )

  const resting = await world.runOnce()
  expect(resting).toMatchObject({ status: 'failed', loaded: 1 })
  expect(resting.error).toMatch(
    /^partition 0: 8 worker processes in a row ended without a word .* more memory; tried again in \d+ s$/,
  )
  expect(await world.facts()).toHaveLength(3)

  await world.pool.query(`update audit.partition_progress set taken_up_at = taken_up_at - interval '11 s'`)
  expect(await world.runOnce()).toMatchObject({ status: 'succeeded', loaded: 2, batches: 2 })
  expect(await world.runOnce()).toMatchObject({ status: 'succeeded', batches: 0 })
  await world.assertBalanced()
})

/** So that a worker whose last sign of life was just now counts as gone. */
async function aWhileLater({ pool }: World): Promise<void> {
  await pool.query(`update audit.workers set seen_at = seen_at - interval '1 minute'`)
  await pool.query(`update audit.pipeline_runs set started_at = started_at - interval '1 minute'`)
}
