import type { Crashes } from '../ledger/crashes.ts'

/**
 * What to do after a worker process ended without a word, which is how running out of memory looks: the same
 * records again would end it again. So a partition that it had in hand begins with a batch of a quarter, of a
 * sixteenth, … of one record, and each that is loaded lets the next be twice as large. From the second crash
 * on it is taken up alone, after the others: whatever is the matter with it, they go on.
 *
 * Where even one record alone ends the process, again and again, the partition rests for a while, longer each
 * time, and the run says so. Nobody is blamed and nothing is skipped: more memory is what helps, and then it
 * goes on by itself. A process that was killed for another reason costs a few small batches.
 */

/** What a batch may have at most. */
export interface BatchLimits {
  readonly maxRecords: number
  readonly maxBytes: number
}

const SMALLER_EACH_TIME = 4
const ALONE_FROM_CRASHES = 2
/** So many that it is no chance. */
const REST_FROM_CRASHES = 8
const FIRST_REST_MS = 10_000
const LONGEST_REST_MS = 120_000

export function limitsAfter(crashes: number, full: BatchLimits): BatchLimits {
  const share = SMALLER_EACH_TIME ** crashes
  return {
    maxRecords: Math.max(1, Math.floor(full.maxRecords / share)),
    maxBytes: Math.max(1, Math.floor(full.maxBytes / share)),
  }
}

export function twice(limits: BatchLimits, full: BatchLimits): BatchLimits {
  return {
    maxRecords: Math.min(2 * limits.maxRecords, full.maxRecords),
    maxBytes: Math.min(2 * limits.maxBytes, full.maxBytes),
  }
}

/** Which partitions go side by side, and which one after the other behind them, the least suspect first. */
export function inOrder(
  partitions: readonly number[],
  crashes: ReadonlyMap<number, Crashes>,
): { readonly together: number[]; readonly alone: number[] } {
  const isAlone = (partition: number) => (crashes.get(partition)?.count ?? 0) >= ALONE_FROM_CRASHES
  return {
    together: partitions.filter((partition) => !isAlone(partition)),
    alone: partitions.filter(isAlone).toSorted((a, b) => {
      const [one, other] = [crashes.get(a)!, crashes.get(b)!]
      // Of several the one that was taken up longest ago: the last one may be what ended the process.
      return one.count - other.count || other.takenUpAgoMs - one.takenUpAgoMs
    }),
  }
}

/** Milliseconds that a partition is still to rest; 0 where it may be taken up. */
export function restLeft({ count, takenUpAgoMs }: Crashes, full: BatchLimits): number {
  if (count < REST_FROM_CRASHES || limitsAfter(count - 1, full).maxRecords > 1) return 0
  const rest = Math.min(FIRST_REST_MS * 2 ** (count - REST_FROM_CRASHES), LONGEST_REST_MS)
  return Math.max(0, rest - takenUpAgoMs)
}
