import { readFileSync } from 'node:fs'
import { expect, test, vi } from 'vitest'
import type { Metrics } from '../../etl/metrics/metrics.ts'
import { aLoad, aMetricsSource, counts, metricsOfALife, metricsOf } from '../support/metrics.ts'
import { ourMetrics, readScrape } from '../support/prometheus-text.ts'
import packageJson from '../../package.json' with { type: 'json' }

const scrape = async (metrics: Metrics) => readScrape(await metrics.text())
const series = async (metrics: Metrics) => Object.fromEntries((await scrape(metrics)).series)

test('every metric is named and documented as it is', async () => {
  const page = readFileSync(new URL('../../docs/OPERATIONS.md', import.meta.url), 'utf8')
  const rows = [...page.matchAll(/^\| `(pulse_\w+)` \| (\w+) \| ([^|]*) \| ([^|]+) \| [^|]+ \|$/gm)]
  const documented = rows.map(([, name, type, labels, unit]) => ({
    name: name!,
    type: type!,
    labels: [...labels!.matchAll(/`(\w+)`/g)].map(([, label]) => label!),
    unit: unit!.trim(),
  }))
  const ours = ourMetrics(await scrape(await metricsOfALife()))
  expect(documented.map(({ name, type, labels }) => [name, { type, labels }])).toEqual([...ours])
  // Prometheus' own way to name: base units at the end, counters with _total.
  for (const { name, type, unit } of documented) {
    expect([name, name.endsWith('_total')]).toEqual([name, type === 'counter'])
    expect([name, name.endsWith('_seconds')]).toEqual([name, unit.startsWith('seconds')])
  }
})

test('a batch counts once for each record, by partition and code; conflicts are what the load found', async () => {
  const metrics = metricsOf(aMetricsSource())
  metrics.batchLoaded(aLoad(), counts(1, 0, 3), 40)
  metrics.batchLoaded(aLoad(), counts(0, 2, 2), 40)
  expect(await series(metrics)).toMatchObject({
    'pulse_records_consumed_total{stream="events",partition="0"}': 8,
    'pulse_records_loaded_total{stream="events",partition="0"}': 1,
    'pulse_records_duplicate_total{stream="events",partition="0"}': 2,
    'pulse_records_dead_lettered_total{stream="events",partition="0",code="malformed_json"}': 2,
    'pulse_records_dead_lettered_total{stream="events",partition="0",code="schema_violation"}': 2,
    'pulse_records_dead_lettered_total{stream="events",partition="0",code="conflicting_duplicate"}': 1,
    'pulse_records_dead_lettered_total{stream="events",partition="0",code="undecodable"}': 0,
    'pulse_batch_duration_seconds_count{stream="events"}': 2,
    'pulse_batch_duration_seconds_bucket{le="0.05",stream="events"}': 0,
    'pulse_batch_duration_seconds_bucket{le="0.1",stream="events"}': 2,
    'pulse_stage_duration_seconds_sum{stream="events",stage="extract"}': 0.04,
    'pulse_stage_duration_seconds_sum{stream="events",stage="load"}': 0.08,
  })
})

test('counters of a partition begin at 0, before there is anything to count', async () => {
  const metrics = metricsOf(aMetricsSource([4]))
  const before = await series(metrics)
  expect(before).toMatchObject({
    'pulse_records_consumed_total{stream="events",partition="4"}': 0,
    'pulse_records_dead_lettered_total{stream="events",partition="4",code="rejected_by_warehouse"}': 0,
    'pulse_freshness_seconds_count{stream="events",partition="4"}': 0,
    'pulse_runs_total{stream="events",kind="tick",status="failed"}': 0,
  })
  // What nobody knows yet is not said: a gauge at 0 would end an alert.
  const unknown = Object.keys(before).filter((key) =>
    /partition_(lag|stopped|seen)|newest|data_loss|last_successful/.test(key),
  )
  expect(unknown).toEqual([])
})

test('freshness is the wait of the oldest record; a clock of Kafka’s that is ahead makes none', async () => {
  const metrics = metricsOf(aMetricsSource())
  metrics.partitionSeen({ partition: 0, nextOffset: 10, stopCode: null }, 20)
  const now = Date.now()
  metrics.batchLoaded(aLoad(now - 70_000), counts(2, 0, 2), 1)
  metrics.batchLoaded(aLoad(now + 60_000), counts(2, 0, 2), 1)
  const after = await series(metrics)
  expect(after['pulse_freshness_seconds_sum{stream="events",partition="0"}']).toBeGreaterThanOrEqual(70)
  expect(after).toMatchObject({
    'pulse_freshness_seconds_bucket{le="0.5",stream="events",partition="0"}': 1,
    'pulse_freshness_seconds_bucket{le="60",stream="events",partition="0"}': 1,
    'pulse_freshness_seconds_bucket{le="120",stream="events",partition="0"}': 2,
    'pulse_newest_record_timestamp_seconds{stream="events",partition="0"}': (now + 60_003) / 1_000,
  })
})

test('a stretch of aborted records moves the watermark, and has no freshness', async () => {
  const metrics = metricsOf(aMetricsSource())
  metrics.partitionSeen({ partition: 0, nextOffset: 10, stopCode: null }, 20)
  const { batch, ...load } = aLoad()
  metrics.batchLoaded({ ...load, rejected: [], batch: { ...batch, to: 20, records: [] } }, counts(0, 0, 0), 1)
  const after = await series(metrics)
  expect(after).toMatchObject({
    'pulse_partition_lag_records{stream="events",partition="0"}': 0,
    'pulse_freshness_seconds_count{stream="events",partition="0"}': 0,
  })
  expect(after).not.toHaveProperty(['pulse_newest_record_timestamp_seconds{stream="events",partition="0"}'])
})

test('a run that loads for minutes has looked at its partition just now', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: 1_000_000 })
  try {
    const metrics = metricsOf(aMetricsSource())
    metrics.partitionSeen({ partition: 0, nextOffset: 10, stopCode: null }, 20)
    vi.setSystemTime(1_200_000)
    metrics.batchLoaded(aLoad(), counts(2, 0, 2), 1)
    expect(await series(metrics)).toMatchObject({
      'pulse_partition_seen_timestamp_seconds{stream="events",partition="0"}': 1_200,
    })
  } finally {
    vi.useRealTimers()
  }
})

test('the state of a partition is told by the worker that owns it', async () => {
  const source = aMetricsSource([0, 1])
  source.rebalanced = 1
  const metrics = metricsOf(source)
  metrics.partitionSeen({ partition: 0, nextOffset: 10, stopCode: null }, 20)
  metrics.partitionSeen({ partition: 1, nextOffset: 30, stopCode: 'log_shorter' }, 20)
  metrics.dataLosses(new Map([[0, 5]]))
  metrics.batchLoaded(aLoad(), counts(2, 0, 2), 1)
  expect(await series(metrics)).toMatchObject({
    'pulse_partition_lag_records{stream="events",partition="0"}': 6,
    'pulse_partition_stopped{stream="events",partition="0"}': 0,
    'pulse_data_loss_offsets{stream="events",partition="0"}': 5,
    'pulse_partition_lag_records{stream="events",partition="1"}': 0,
    'pulse_partition_stopped{stream="events",partition="1"}': 1,
    'pulse_data_loss_offsets{stream="events",partition="1"}': 0,
  })

  metrics.partitionStopped(0)
  expect(await series(metrics)).toMatchObject({ 'pulse_partition_stopped{stream="events",partition="0"}': 1 })

  source.owned = [1]
  source.rebalanced = 2
  const after = await series(metrics)
  expect(after).toMatchObject({
    'pulse_group_rebalances_total{stream="events"}': 2,
    'pulse_records_consumed_total{stream="events",partition="0"}': 4, // what it did stays done
    'pulse_partition_stopped{stream="events",partition="1"}': 1,
  })
  const gone = Object.keys(after).filter((key) =>
    /^pulse_(partition_|newest_|data_loss_).*partition="0"/.test(key),
  )
  expect(gone).toEqual([])
})

test('a run is under way, succeeds, fails, or throws', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: 1_000_000 })
  try {
    const metrics = metricsOf(aMetricsSource())
    const run = (kind: 'tick' | 'manual', status: 'succeeded' | 'failed') =>
      metrics.observeRun(kind, () => Promise.resolve({ status }))
    await metrics.observeRun('tick', async () => {
      expect(await series(metrics)).toMatchObject({ 'pulse_runs_in_progress{stream="events"}': 1 })
      return { status: 'succeeded' }
    })
    vi.setSystemTime(2_000_000)
    await run('manual', 'failed')
    await expect(metrics.observeRun('tick', () => Promise.reject(new Error('no Kafka')))).rejects.toThrow(
      'no Kafka',
    )
    expect(await series(metrics)).toMatchObject({
      'pulse_runs_total{stream="events",kind="tick",status="succeeded"}': 1,
      'pulse_runs_total{stream="events",kind="tick",status="failed"}': 1,
      'pulse_runs_total{stream="events",kind="manual",status="failed"}': 1,
      'pulse_run_duration_seconds_count{stream="events"}': 3,
      'pulse_runs_in_progress{stream="events"}': 0,
      'pulse_last_successful_run_timestamp_seconds{stream="events"}': 1_000,
    })
  } finally {
    vi.useRealTimers()
  }
})

test('the pool, the pause, retries and the build', async () => {
  const metrics = metricsOf(aMetricsSource())
  let isPaused = false
  metrics.watchPause(() => isPaused)
  metrics.loadRetried()
  expect(await series(metrics)).toMatchObject({
    'pulse_pool_connections{state="used"}': 3,
    'pulse_pool_connections{state="idle"}': 2,
    pulse_pool_connections_max: 10,
    pulse_pool_pending_requests: 1,
    'pulse_load_retries_total{stream="events"}': 1,
    'pulse_paused{stream="events"}': 0,
    [`pulse_build_info{version="${packageJson.version}",node_version="${process.versions.node}"}`]: 1,
  })
  isPaused = true
  expect(await series(metrics)).toMatchObject({ 'pulse_paused{stream="events"}': 1 })
})

test('workers in one process keep theirs apart, and each has the process’s own', async () => {
  const [one, other] = [metricsOf(aMetricsSource()), metricsOf(aMetricsSource())]
  one.loadRetried()
  expect(await series(one)).toMatchObject({ 'pulse_load_retries_total{stream="events"}': 1 })
  expect(await series(other)).toMatchObject({
    'pulse_load_retries_total{stream="events"}': 0,
    process_resident_memory_bytes: expect.any(Number) as number,
  })
  expect(one.contentType).toMatch(/^text\/plain; version=0\.0\.4/)
})
