import { randomUUID } from 'node:crypto'
import type { PoolClient } from 'pg'
import { describe, expect, onTestFinished, test } from 'vitest'
import { waitFor } from '../support/wait-for.ts'
import { aLiveMessage, aWorld, type World } from '../support/world.ts'

/** Resolves when a load waits for a lock that somebody holds. */
const aLoadWaits = (world: World) =>
  waitFor('a load to wait for a lock', async () => {
    const { rowCount } = await world.pool.query(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    )
    return rowCount === 1
  })

/** A transaction that has claimed the order, and the fact of it, and has not ended yet. */
async function aRivalThatClaimed(world: World, order: Record<string, unknown>): Promise<PoolClient> {
  const rival = await world.pool.connect()
  onTestFinished(() => rival.release(true))
  const at = String(order['timestamp'])
  await rival.query("select audit.ensure_partition('transactions', $1)", [at])
  await rival.query('begin')
  await rival.query('insert into order_keys values ($1, $2)', [order['order_id'], at])
  await rival.query(
    `insert into transactions (order_id, transaction_timestamp, amount, tax_amount, total_amount, currency, customer_id,
       product_category, is_fraud_flagged, fraud_score, fraud_reasons, source_partition, source_offset, incarnation, batch_id)
     values ($1, $2, $3, 0, 0, 'EUR', 'customer-1', 'books', false, 0, '{}', 9, 9, 1, 'rival')`,
    [order['order_id'], at, order['amount']],
  )
  return rival
}

/** A run over three orders, the second of which a rival has claimed; the rival ends while the load waits. */
async function runWhileARivalEnds(end: 'commit' | 'rollback', changes: object = {}) {
  const world = await aWorld({ partitions: 1 })
  const order = aLiveMessage()
  await world.produce([aLiveMessage(), { ...order, ...changes }, aLiveMessage()])
  const rival = await aRivalThatClaimed(world, order)
  const run = world.runOnce()
  await aLoadWaits(world)
  await rival.query(end)
  return { world, run: await run }
}

describe('an order that a rival has claimed and not committed', () => {
  test('is a duplicate when the rival commits', async () => {
    const { run } = await runWhileARivalEnds('commit')
    expect(run).toMatchObject({ status: 'succeeded', loaded: 2, duplicate: 1, deadLettered: 0 })
  })

  test('is a conflict when the rival commits other values', async () => {
    const { world, run } = await runWhileARivalEnds('commit', { amount: 1 })
    expect(run).toMatchObject({ status: 'succeeded', loaded: 2, duplicate: 0, deadLettered: 1 })
    expect(await world.deadLetters()).toMatchObject([{ code: 'conflicting_duplicate', offset: 1 }])
  })

  test('is loaded when the rival rolls back', async () => {
    const { world, run } = await runWhileARivalEnds('rollback')
    expect(run).toMatchObject({ status: 'succeeded', loaded: 3, duplicate: 0, deadLettered: 0 })
    await world.assertBalanced()
  })
})

test('orders crossed over two partitions in many batches never deadlock, and each is loaded once', async () => {
  const world = await aWorld({ partitions: 2 })
  const orders = Array.from({ length: 2_000 }, () => aLiveMessage({ order_id: randomUUID() }))
  await world.produce(orders)
  await world.produce(orders.toReversed(), { partition: 1 })

  const run = await world.runOnce({ batchSize: 40 })

  expect(run).toMatchObject({ status: 'succeeded', loaded: 2_000, duplicate: 2_000, deadLettered: 0 })
  const { rows } = await world.pool.query(
    `select (select deadlocks from pg_stat_database where datname = current_database()) as deadlocks,
            (select sum(retries)::int from pipeline_runs) as retries`,
  )
  expect(rows).toEqual([{ deadlocks: 0, retries: 0 }])
  await world.assertBalanced()
})

test('the same orders in opposite order in two batches at once: one waits for the other, neither fails', async () => {
  const world = await aWorld({ partitions: 2 })
  const orders = Array.from({ length: 1_000 }, () => aLiveMessage())
  for (let round = 0; round < 3; round++) {
    const crossed = orders.map((order) => ({ ...order, order_id: randomUUID() }))
    await world.produce(crossed)
    await world.produce(crossed.toReversed(), { partition: 1 })
    expect(await world.runOnce()).toMatchObject({ status: 'succeeded', loaded: 1_000, duplicate: 1_000 })
  }
  const { rows } = await world.pool.query('select sum(retries)::int as retries from pipeline_runs')
  expect(rows).toEqual([{ retries: 0 }])
  await world.assertBalanced()
})
