import type { PoolClient } from 'pg'
import { describe, expect, onTestFinished, test } from 'vitest'
import { waitFor } from '../support/wait-for.ts'
import { aRecordOf, messagesOf, ours } from '../support/messages.ts'
import { stream } from '../support/stream.ts'
import { parcels } from '../support/streams/parcels.ts'
import { visits } from '../support/streams/visits.ts'
import { aWorld, type World } from '../support/world.ts'

const { aLiveMessage } = ours

/** Resolves when a load waits for a lock that somebody holds. */
const aLoadWaits = (world: World) =>
  waitFor('a load to wait for a lock', async () => {
    const { rowCount } = await world.pool.query(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    )
    return rowCount === 1
  })

/** A transaction that has claimed the identity, and inserted the fact of it, and has not ended yet. */
async function aRivalThatClaimed(world: World, message: Record<string, unknown>): Promise<PoolClient> {
  const { name, validate, derive, identity, eventTime } = world.stream
  const outcome = validate(aRecordOf(message, { timestamp: Date.now() }), 1_095)
  if (!('row' in outcome)) throw new Error(`not valid: ${JSON.stringify(outcome)}`)
  const fact = { offset: 9, identity: identity.of(outcome.row), row: derive(outcome.row) }
  const rival = await world.pool.connect()
  onTestFinished(() => rival.release(true))
  await rival.query('select audit.ensure_partition($1, $2)', [
    name,
    new Date(Number(fact.row[eventTime]) / 1_000),
  ])
  await rival.query('begin')
  const origin = { batchId: 'rival', sourcePartition: 9, incarnation: 1 }
  expect(await identity.claim(rival, [fact], origin)).toEqual(new Map())
  await identity.insert(rival, [fact], origin)
  return rival
}

describe.for([stream.definition, parcels, visits])(
  'a record of $name that a rival has claimed and not committed',
  (declared) => {
    const made = messagesOf(declared)

    /** A run over three records, the second of which a rival has claimed; the rival ends while the load waits. */
    async function runWhileARivalEnds(end: 'commit' | 'rollback', isOther = false) {
      const world = await aWorld({
        partitions: 1,
        ...(declared !== stream.definition && { stream: declared }),
      })
      const second = made.aLiveMessage()
      const sent = isOther ? made.aConflict(second) : second
      await world.produce([made.aLiveMessage(), sent, made.aLiveMessage()])
      const rival = await aRivalThatClaimed(world, second)
      const run = world.runOnce()
      await aLoadWaits(world)
      await rival.query(end)
      return { world, run: await run }
    }

    test('is a duplicate when the rival commits', async () => {
      const { run } = await runWhileARivalEnds('commit')
      expect(run).toMatchObject({ status: 'succeeded', loaded: 2, duplicate: 1, deadLettered: 0 })
    })

    test('is a conflict when the rival commits other values', async () => {
      const { world, run } = await runWhileARivalEnds('commit', true)
      expect(run).toMatchObject({ status: 'succeeded', loaded: 2, duplicate: 0, deadLettered: 1 })
      expect(await world.deadLetters()).toMatchObject([{ code: 'conflicting_duplicate', offset: 1 }])
    })

    test('is loaded when the rival rolls back', async () => {
      const { world, run } = await runWhileARivalEnds('rollback')
      expect(run).toMatchObject({ status: 'succeeded', loaded: 3, duplicate: 0, deadLettered: 0 })
      await world.assertBalanced()
    })
  },
)

test('records crossed over two partitions in many batches never deadlock, and each is loaded once', async () => {
  const world = await aWorld({ partitions: 2 })
  const messages = Array.from({ length: 2_000 }, () => aLiveMessage())
  await world.produce(messages)
  await world.produce(messages.toReversed(), { partition: 1 })

  const run = await world.runOnce({ batchSize: 40 })

  expect(run).toMatchObject({ status: 'succeeded', loaded: 2_000, duplicate: 2_000, deadLettered: 0 })
  const { rows } = await world.pool.query(
    `select (select deadlocks from pg_stat_database where datname = current_database()) as deadlocks,
            (select sum(retries)::int from pipeline_runs) as retries`,
  )
  expect(rows).toEqual([{ deadlocks: 0, retries: 0 }])
  await world.assertBalanced()
})

test('the same records in opposite order in two batches at once: one waits for the other, neither fails', async () => {
  const world = await aWorld({ partitions: 2 })
  for (let round = 0; round < 3; round++) {
    const crossed = Array.from({ length: 1_000 }, () => aLiveMessage())
    await world.produce(crossed)
    await world.produce(crossed.toReversed(), { partition: 1 })
    expect(await world.runOnce()).toMatchObject({ status: 'succeeded', loaded: 1_000, duplicate: 1_000 })
  }
  const { rows } = await world.pool.query('select sum(retries)::int as retries from pipeline_runs')
  expect(rows).toEqual([{ retries: 0 }])
  await world.assertBalanced()
})
