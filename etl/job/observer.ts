import type { DrainKind } from '../ledger/runs.ts'
import type { Progress } from '../ledger/watermark.ts'
import type { PreparedBatch } from './load.ts'

/** Who is told what runs do, as they do it: the metrics. Must not throw. */
export interface RunObserver {
  /** Takes the time of a run and how it ended; one that throws has failed. */
  observeRun<Summary extends { readonly status: RunStatus }>(
    kind: DrainKind,
    run: () => Promise<Summary>,
  ): Promise<Summary>
  /** A run looked at a partition, whose log it is to drain up to `end`. */
  partitionSeen(progress: Pick<Progress, 'partition' | 'nextOffset' | 'stopCode'>, end: number): void
  partitionStopped(partition: number): void
  /** Stopped partitions of a group that is another's: every worker tells of them, as none owns them. */
  standsAside(partitions: readonly number[]): void
  /** The load of a batch was committed. */
  batchLoaded(prepared: PreparedBatch, counts: LoadCounts, loadMs: number): void
  loadRetried(): void
  /** A record kept the process from all else for so long, in milliseconds. */
  stepTook(this: void, ms: number): void
  /** Offsets that were lost and that nobody has acknowledged, by partition: all that there are. */
  dataLosses(offsets: ReadonlyMap<number, number>): void
}

export type RunStatus = 'succeeded' | 'failed'

export interface LoadCounts {
  readonly loaded: number
  readonly duplicate: number
  readonly skipped: number
  readonly deadLettered: number
  /** Of the loaded ones, versions that were older than the current one of their key. */
  readonly older?: number | undefined
  /** Of the dead-lettered ones, those whose key is another partition's. */
  readonly keyMoved?: number
}
