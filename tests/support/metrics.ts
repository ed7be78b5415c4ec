import type { LoadOutcome } from '../../etl/job/load.ts'
import {
  createMetrics,
  type Metrics,
  type MetricsPool,
  type StreamMetrics,
} from '../../etl/metrics/metrics.ts'
import { aMessage, aRecordOf, at, broken } from './messages.ts'
import { aBatch, prepared } from './a-batch.ts'

/** A worker whose share and pool are set by hand. */
export function aMetricsSource(partitions: readonly number[] = [0]) {
  const source = {
    owned: partitions,
    rebalanced: 0,
    pool: { totalCount: 5, idleCount: 2, waitingCount: 1, options: { max: 10 } },
    membership: { partitions: () => source.owned, rebalances: () => source.rebalanced },
  }
  return source as typeof source & {
    readonly pool: MetricsPool
  }
}

export const counts = (loaded: number, duplicate: number, deadLettered: number, skipped = 0) =>
  ({ kind: 'loaded', loaded, duplicate, skipped, deadLettered }) satisfies LoadOutcome

/** Partition 0's batch of offsets 10 to 13: two good records, one of another schema and one no JSON. */
export function aLoad(timestamp = Date.now()) {
  const good = aMessage(at(new Date(timestamp)))
  const values = [good, { ...good, ...broken() }, '{', good]
  const records = values.map((value, i) => aRecordOf(value, { offset: 10 + i, timestamp: timestamp + i }))
  return { ...prepared(aBatch(records)), timings: { extract: 20, validate: 2, transform: 1 } }
}

/** Of one stream, `events`. */
export function metricsOf({ pool, membership }: ReturnType<typeof aMetricsSource>): StreamMetrics & Metrics {
  const metrics = createMetrics(pool)
  return { ...metrics, ...metrics.of('events', membership) }
}

/** Metrics of a worker to which everything has happened at least once, so that every series is there. */
export async function metricsOfALife(): Promise<StreamMetrics & Metrics> {
  const metrics = metricsOf(aMetricsSource())
  await metrics.observeRun('tick', () => {
    metrics.partitionSeen({ partition: 0, nextOffset: 10, stopCode: null }, 20)
    metrics.batchLoaded(aLoad(), { ...counts(1, 1, 2), older: 1 }, 40)
    metrics.dataLosses(new Map())
    return Promise.resolve({ status: 'succeeded' as const })
  })
  return metrics
}
