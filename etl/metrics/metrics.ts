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
export interface Metrics {
  readonly contentType: string
  /** Everything in Prometheus' text format. Asks neither Kafka nor the warehouse. */
  text(): Promise<string>
  /** Those of a stream, from now on. */
  of(stream: string, membership: Pick<Membership, 'partitions' | 'rebalances'>): StreamMetrics
}

/** What the runs of a stream tell. */
export interface StreamMetrics extends RunObserver {
  /** From now on `text` asks this. */
  watchPause(isPaused: () => boolean): void
  /** Milliseconds: the longest of `stepTook` in the last five minutes; 0 where there was none. */
  longestStep(this: void): number
}

const RUN_STATUSES: readonly RunStatus[] = ['succeeded', 'failed']

export type MetricsPool = Pick<Pool, 'totalCount' | 'idleCount' | 'waitingCount' | 'options'>

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
export function createMetrics(pool: MetricsPool): Metrics {
  const registry = new Registry()
  const our = createInstruments(registry)
  const states: (() => void)[] = []

  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: EVENT_LOOP_SAMPLE_MS })
  our.buildInfo.set({ version: packageJson.version, node_version: process.versions.node }, 1)

  /** The state of this moment. A partition that went to another worker is that one's to tell of. */
  function look(): void {
    for (const gauge of [our.lag, our.stopped, our.seenAt, our.newestRecord, our.lost, our.rebalances])
      gauge.reset()
    for (const state of states) state()
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
    of: (stream, membership) => {
      const { state, ...metrics } = observe(our, stream, membership)
      states.push(state)
      return metrics
    },
  }
}

function observe(
  our: ReturnType<typeof createInstruments>,
  stream: string,
  membership: Pick<Membership, 'partitions' | 'rebalances'>,
): StreamMetrics & { readonly state: () => void } {
  const states = new Map<number, PartitionState>()
  const begun = new Set<number>()
  let losses: ReadonlyMap<number, number> | undefined
  let aside: readonly number[] = []
  let isPaused: (() => boolean) | undefined
  let longest = { ms: 0, at: 0 }
  const longestStep = () => (performance.now() - longest.at < STEPS_KEPT_MS ? longest.ms : 0)

  for (const kind of DRAIN_KINDS) for (const status of RUN_STATUSES) our.runs.inc({ stream, kind, status }, 0)
  our.runsInProgress.set({ stream }, 0)
  our.retries.inc({ stream }, 0)

  /** A partition's counters begin at 0, or increase() would miss the first that they count. */
  function begin(partition: number): void {
    if (begun.has(partition)) return
    begun.add(partition)
    for (const counter of [our.consumed, our.loaded, our.duplicate, our.skipped])
      counter.inc({ stream, partition }, 0)
    for (const code of DEAD_LETTER_CODES) our.deadLettered.inc({ stream, partition, code }, 0)
    our.freshness.zero({ stream, partition })
  }

  return {
    state: () => {
      for (const partition of membership.partitions()) {
        begin(partition)
        const of = { stream, partition }
        if (losses !== undefined) our.lost.set(of, losses.get(partition) ?? 0)
        const state = states.get(partition)
        if (state === undefined) continue
        our.lag.set(of, Math.max(0, state.end - state.nextOffset))
        our.stopped.set(of, Number(state.isStopped))
        our.seenAt.set(of, state.seenAt)
        if (state.newestRecord !== undefined) our.newestRecord.set(of, state.newestRecord)
      }
      for (const partition of aside) our.stopped.set({ stream, partition }, 1)
      our.rebalances.inc({ stream }, membership.rebalances())
      our.paused.set({ stream }, Number(isPaused?.() ?? false))
      our.longestStep.set({ stream }, seconds(longestStep()))
    },
    observeRun: async (kind, run) => {
      const started = performance.now()
      let status: RunStatus = 'failed'
      our.runsInProgress.inc({ stream })
      try {
        const summary = await run()
        status = summary.status
        return summary
      } finally {
        our.runsInProgress.dec({ stream })
        our.runs.inc({ stream, kind, status })
        our.runDuration.observe({ stream }, seconds(performance.now() - started))
        if (status === 'succeeded') our.lastSuccess.setToCurrentTime({ stream })
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
      const of = { stream, partition }
      begin(partition)
      our.consumed.inc(of, records.length)
      our.loaded.inc(of, counts.loaded)
      our.duplicate.inc(of, counts.duplicate)
      if (counts.older !== undefined) our.older.inc(of, counts.older)
      our.skipped.inc(of, counts.skipped)
      for (const { code } of rejected) our.deadLettered.inc({ ...of, code })
      // To what was rejected before it, a load adds conflicts and keys that moved, and nothing else.
      const { keyMoved = 0 } = counts
      const conflicts = counts.deadLettered - rejected.length - keyMoved
      if (keyMoved > 0) our.deadLettered.inc({ ...of, code: 'key_moved' }, keyMoved)
      our.deadLettered.inc({ ...of, code: 'conflicting_duplicate' }, conflicts)

      const stages = { ...timings, load: loadMs }
      for (const [stage, ms] of Object.entries(stages))
        our.stageDuration.observe({ stream, stage }, seconds(ms))
      our.batchDuration.observe({ stream }, seconds(Object.values(stages).reduce((sum, ms) => sum + ms)))

      const state = states.get(partition)
      if (state !== undefined) Object.assign(state, { nextOffset: batch.to, seenAt: now() })
      const { oldestRecord, newestRecord } = timestampRange(records)
      if (oldestRecord === undefined || newestRecord === undefined) return
      // Kafka's clock may be ahead of ours.
      our.freshness.observe(of, Math.max(0, now() - seconds(oldestRecord)))
      if (state !== undefined) state.newestRecord = seconds(newestRecord)
    },
    loadRetried: () => our.retries.inc({ stream }),
    stepTook: (ms) => {
      if (ms >= longestStep()) longest = { ms, at: performance.now() }
    },
    longestStep,
    dataLosses: (offsets) => (losses = offsets),
    watchPause: (ask) => (isPaused = ask),
  }
}

/** How long a slow step is remembered. */
const STEPS_KEPT_MS = 300_000

const seconds = (ms: number) => ms / 1_000
const now = () => seconds(Date.now())
