import { expect, test } from 'vitest'
import { continuePartition } from '../../etl/ledger/watermark.ts'
import { deleteRecordsBefore } from '../support/kafka.ts'
import { readScrape } from '../support/prometheus-text.ts'
import { stream } from '../support/stream.ts'
import { refuseMarked } from '../support/warehouse.ts'
import { waitFor } from '../support/wait-for.ts'
import type { InProcessWorker } from '../support/worker.ts'
import { aBrokenMessage, aConflict, marked } from '../support/messages.ts'
import { aLiveMessage, aWorld } from '../support/world.ts'

/** Without the label of the stream, as there is one. */
const series = async ({ metrics }: InProcessWorker) =>
  Object.fromEntries(
    [...readScrape(await metrics.text()).series].map(([name, value]) => [
      name.replace(`{stream="${stream.name}"}`, '').replace(`{stream="${stream.name}",`, '{'),
      value,
    ]),
  )
const good = (count: number) => Array.from({ length: count }, () => aLiveMessage())

test('the counts are those of the ledger, whatever becomes of a record', async () => {
  const world = await aWorld({ partitions: 2 })
  await refuseMarked(world.pool, 'poison')
  const twice = aLiveMessage()
  await world.produce([
    ...good(30),
    'garbage',
    aBrokenMessage(),
    aLiveMessage(marked('poison')),
    twice,
    twice,
    aConflict(twice),
  ])
  await world.produce(good(5), { partition: 1 })
  const worker = await world.openWorker()
  await worker.runOnce()

  const seen = await series(worker)
  expect(seen).toMatchObject({
    'pulse_records_consumed_total{partition="0"}': 36,
    'pulse_records_loaded_total{partition="0"}': 31,
    'pulse_records_duplicate_total{partition="0"}': 1,
    'pulse_records_dead_lettered_total{partition="0",code="malformed_json"}': 1,
    'pulse_records_dead_lettered_total{partition="0",code="schema_violation"}': 1,
    'pulse_records_dead_lettered_total{partition="0",code="conflicting_duplicate"}': 1,
    'pulse_records_dead_lettered_total{partition="0",code="rejected_by_warehouse"}': 1,
    'pulse_records_consumed_total{partition="1"}': 5,
    'pulse_records_loaded_total{partition="1"}': 5,
    'pulse_partition_lag_records{partition="0"}': 0,
    'pulse_partition_stopped{partition="0"}': 0,
    'pulse_data_loss_offsets{partition="0"}': 0,
    'pulse_runs_total{kind="manual",status="succeeded"}': 1,
    pulse_run_duration_seconds_count: 1,
    pulse_pool_pending_requests: 0,
    pulse_pool_connections_max: 10,
  })
  const ledger = await world.ledger()
  expect(ledger.length).toBeGreaterThan(2) // the poisonous batch was halved
  expect(seen).toMatchObject({
    pulse_batch_duration_seconds_count: ledger.length,
    'pulse_stage_duration_seconds_count{stage="load"}': ledger.length,
    'pulse_freshness_seconds_count{partition="0"}': ledger.filter(({ partition }) => partition === 0).length,
  })
  expect(Date.now() / 1_000 - seen['pulse_last_successful_run_timestamp_seconds']!).toBeLessThan(60)
  expect(Date.now() / 1_000 - seen['pulse_newest_record_timestamp_seconds{partition="1"}']!).toBeLessThan(60)
})

test('a stopped partition says so, with its lag, until it was let go on', async () => {
  const world = await aWorld({ partitions: 1 })
  await world.produce(Array.from({ length: 40 }, () => 'garbage'))
  const worker = await world.openWorker()
  await worker.runOnce()
  const still = {
    'pulse_partition_stopped{partition="0"}': 1,
    'pulse_partition_lag_records{partition="0"}': 40,
    'pulse_records_consumed_total{partition="0"}': 0,
  }
  expect(await series(worker)).toMatchObject(still)
  await worker.runOnce()
  expect(await series(worker)).toMatchObject(still)

  await continuePartition(world.pool, { topic: world.topic, partition: 0 }, 40)
  await worker.runOnce()
  expect(await series(worker)).toMatchObject({
    'pulse_partition_stopped{partition="0"}': 0,
    'pulse_partition_lag_records{partition="0"}': 0,
  })
})

test('a data loss is told until somebody has acknowledged it', async () => {
  const world = await aWorld({ partitions: 1 })
  const worker = await world.openWorker()
  await world.produce(good(1))
  await worker.runOnce()
  await world.produce(good(9))
  await deleteRecordsBefore(world, 4)
  await worker.runOnce()
  expect(await series(worker)).toMatchObject({
    'pulse_data_loss_offsets{partition="0"}': 3,
    'pulse_records_loaded_total{partition="0"}': 7,
  })
  await world.pool.query(
    `update audit.data_losses set acknowledged_at = now(), acknowledged_by = 'test', reason = 'known'`,
  )
  await worker.runOnce()
  expect(await series(worker)).toMatchObject({ 'pulse_data_loss_offsets{partition="0"}': 0 })
})

test('a partition that goes to another worker is that one’s to tell of', async () => {
  const world = await aWorld({ partitions: 2 })
  const first = await world.openWorker()
  await first.runOnce()
  const before = await series(first)
  expect(before).toMatchObject({
    'pulse_partition_lag_records{partition="0"}': 0,
    'pulse_partition_lag_records{partition="1"}': 0,
  })

  const second = await world.openWorker()
  await waitFor(
    'each to have one',
    () => [first, second].every(({ pipeline }) => pipeline.membership.partitions().length === 1),
    { limitMs: 30_000 },
  )
  await Promise.all([first.runOnce(), second.runOnce()])
  const lags = await Promise.all(
    [first, second].map(async (worker) =>
      Object.keys(await series(worker)).filter((key) => key.startsWith('pulse_partition_lag_records')),
    ),
  )
  expect(lags.map((own) => own.length)).toEqual([1, 1])
  expect(new Set(lags.flat()).size).toBe(2)
  const { pulse_group_rebalances_total: rebalances } = await series(first)
  expect(rebalances).toBeGreaterThan(before['pulse_group_rebalances_total']!)
})

test('retries and failed runs are counted', async () => {
  const world = await aWorld({ partitions: 1 })
  await world.produce(good(3))
  const worker = await world.openWorker()
  const refused = Object.assign(new Error('deadlock'), { severity: 'ERROR', code: '40P01' })
  await worker.runOnce({ months: { forget: () => undefined, ensure: () => Promise.reject(refused) } })
  expect(await series(worker)).toMatchObject({
    pulse_load_retries_total: 3,
    'pulse_runs_total{kind="manual",status="failed"}': 1,
    'pulse_records_consumed_total{partition="0"}': 0,
    'pulse_partition_lag_records{partition="0"}': 3,
  })
  expect(await series(worker)).not.toHaveProperty('pulse_last_successful_run_timestamp_seconds')
})
