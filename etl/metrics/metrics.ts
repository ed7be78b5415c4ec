import type { Pool } from 'pg'
import { collectDefaultMetrics, Registry } from 'prom-client'
import packageJson from '../../package.json' with { type: 'json' }
import type { Membership } from '../kafka/membership.ts'
import { timestampRange } from '../job/load.ts'
import type { RunObserver, RunStatus } from '../job/observer.ts'
import { DEAD_LETTER_CODES } from '../schema/audit.ts'
import { DRAIN_KINDS } from '../ledger/runs.ts'
import { createInstruments } from './instruments.ts'

/**
 * What this worker has seen and done since it started, for Prometheus. Counts begin at 0 with it, and a
 * worker that dies between a commit and the next scrape takes them along: the proof is the ledger.
 */
export interface Metrics extends RunObserver {
  readonly contentType: string
  /** Everything in Prometheus' text format. Asks neither Kafka nor the warehouse. */
  text(): Promise<string>

  /** From now on `text` asks this. */
  watchPause(isPaused: () => boolean): void
}

const RUN_STATUSES: readonly RunStatus[] = ['succeeded', 'failed']

export interface MetricsSources {
  readonly pool: Pick<Pool, 'totalCount' | 'idleCount' | 'waitingCount' | 'options'>
  readonly membership: Pick<Membership, 'partitions' | 'rebalances'>
}

/** Every 10 ms, the default, costs an idle worker half a percent of a core; this a sixteenth of a percent. */
const EVENT_LOOP_SAMPLE_MS = 100

/** What is known of a partition since a run last looked at it. Times are seconds since the epoch. */
interface PartitionState {
  readonly end: number
  seenAt: number
  nextOffset: number
  isStopped: boolean
  newestRecord?: number
}

/** Metrics in a registry of their own, so that several workers in one process don't mix theirs. */
export function createMetrics({ pool, membership }: MetricsSources): Metrics {
  const registry = new Registry()
  const our = createInstruments(registry)
  const ofPartition = [our.lag, our.stopped, our.seenAt, our.newestRecord, our.lost]
  const states = new Map<number, PartitionState>()
  const begun = new Set<number>()
  let losses: ReadonlyMap<number, number> | undefined
  let aside: readonly number[] = []
  let isPaused: (() => boolean) | undefined

  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: EVENT_LOOP_SAMPLE_MS })
  our.buildInfo.set({ version: packageJson.version, node_version: process.versions.node }, 1)
  our.lastSuccess.remove() // or it would say 1970
  for (const kind of DRAIN_KINDS) for (const status of RUN_STATUSES) our.runs.inc({ kind, status }, 0)

  /** A partition's counters begin at 0, or increase() would miss the first that they count. */
  function begin(partition: number): void {
    if (begun.has(partition)) return
    begun.add(partition)
    for (const counter of [our.consumed, our.loaded, our.duplicate]) counter.inc({ partition }, 0)
    for (const code of DEAD_LETTER_CODES) our.deadLettered.inc({ partition, code }, 0)
    our.freshness.zero({ partition })
  }

  /** The state of this moment. A partition that went to another worker is that one's to tell of. */
  function look(): void {
    for (const gauge of ofPartition) gauge.reset()
    for (const partition of membership.partitions()) {
      begin(partition)
      if (losses !== undefined) our.lost.set({ partition }, losses.get(partition) ?? 0)
      const state = states.get(partition)
      if (state === undefined) continue
      our.lag.set({ partition }, Math.max(0, state.end - state.nextOffset))
      our.stopped.set({ partition }, Number(state.isStopped))
      our.seenAt.set({ partition }, state.seenAt)
      if (state.newestRecord !== undefined) our.newestRecord.set({ partition }, state.newestRecord)
    }
    for (const partition of aside) our.stopped.set({ partition }, 1)
    our.rebalances.reset()
    our.rebalances.inc(membership.rebalances())
    our.paused.set(Number(isPaused?.() ?? false))
    our.connections.set({ state: 'used' }, pool.totalCount - pool.idleCount)
    our.connections.set({ state: 'idle' }, pool.idleCount)
    our.connectionsMax.set(pool.options.max)
    our.pendingRequests.set(pool.waitingCount)
  }

  return {
    contentType: registry.contentType,
    text: () => {
      look()
      return registry.metrics()
    },
    observeRun: async (kind, run) => {
      const started = performance.now()
      let status: RunStatus = 'failed'
      our.runsInProgress.inc()
      try {
        const summary = await run()
        status = summary.status
        return summary
      } finally {
        our.runsInProgress.dec()
        our.runs.inc({ kind, status })
        our.runDuration.observe(seconds(performance.now() - started))
        if (status === 'succeeded') our.lastSuccess.setToCurrentTime()
      }
    },
    partitionSeen: ({ partition, nextOffset, stopCode }, end) => {
      const seen = { end, nextOffset, isStopped: stopCode !== null, seenAt: now() }
      states.set(partition, { ...states.get(partition), ...seen })
    },
    partitionStopped: (partition) => {
      const state = states.get(partition)
      if (state !== undefined) state.isStopped = true
    },
    standsAside: (partitions) => (aside = partitions),
    batchLoaded: ({ batch, rejected, timings }, counts, loadMs) => {
      const { partition, records } = batch
      begin(partition)
      our.consumed.inc({ partition }, records.length)
      our.loaded.inc({ partition }, counts.loaded)
      our.duplicate.inc({ partition }, counts.duplicate)
      if (counts.older !== undefined) our.older.inc({ partition }, counts.older)
      our.skipped.inc({ partition }, counts.skipped)
      for (const { code } of rejected) our.deadLettered.inc({ partition, code })
      // To what was rejected before it, a load adds conflicts and keys that moved, and nothing else.
      const { keyMoved = 0 } = counts
      const conflicts = counts.deadLettered - rejected.length - keyMoved
      if (keyMoved > 0) our.deadLettered.inc({ partition, code: 'key_moved' }, keyMoved)
      our.deadLettered.inc({ partition, code: 'conflicting_duplicate' }, conflicts)

      const stages = { ...timings, load: loadMs }
      for (const [stage, ms] of Object.entries(stages)) our.stageDuration.observe({ stage }, seconds(ms))
      our.batchDuration.observe(seconds(Object.values(stages).reduce((sum, ms) => sum + ms)))

      const state = states.get(partition)
      if (state !== undefined) Object.assign(state, { nextOffset: batch.to, seenAt: now() })
      const { oldestRecord, newestRecord } = timestampRange(records)
      if (oldestRecord === undefined || newestRecord === undefined) return
      // Kafka's clock may be ahead of ours.
      our.freshness.observe({ partition }, Math.max(0, now() - seconds(oldestRecord)))
      if (state !== undefined) state.newestRecord = seconds(newestRecord)
    },
    loadRetried: () => our.retries.inc(),
    dataLosses: (offsets) => (losses = offsets),
    watchPause: (ask) => (isPaused = ask),
  }
}

const seconds = (ms: number) => ms / 1_000
const now = () => seconds(Date.now())
