import type { Pool } from 'pg'
import type { Definition } from './definition.ts'
import type { Fact } from './types.ts'

/** Months, or days, whose partition is known to be there. */
export interface MonthKeeper {
  /** Makes the partitions that these facts need and that are not known to be there. */
  ensure(facts: readonly Fact[]): Promise<void>
  /** Believes in no partition any more. */
  forget(): void
}

/** How long a partition is believed to be there without asking: it may be dropped for its age. */
const BELIEVED_MS = 60_000

/**
 * Each partition is made in a transaction of its own, before the load: DDL inside it would hold locks
 * that others wait for.
 */
export function createMonthKeeper(pool: Pool, { name, eventTime, definition }: KeptStream): MonthKeeper {
  const known = new Map<number, number>()
  const { partitionBy } = definition
  if (partitionBy === undefined) return { forget: () => undefined, ensure: () => Promise.resolve() }
  const partitionOf = PARTITION_OF[partitionBy]
  return {
    forget: () => known.clear(),
    ensure: async (facts) => {
      const now = performance.now()
      const missing = new Set<number>()
      for (const { row } of facts) {
        const begins = partitionOf(row[eventTime] as number)
        if (now - (known.get(begins) ?? -Infinity) > BELIEVED_MS) missing.add(begins)
      }
      for (const begins of [...missing].sort((a, b) => a - b)) {
        await pool.query('select audit.ensure_partition($1, to_timestamp($2::double precision / 1000))', [
          name,
          begins,
        ])
        known.set(begins, now)
      }
    },
  }
}

interface KeptStream {
  readonly name: string
  readonly eventTime: string
  readonly definition: Pick<Definition, 'partitionBy'>
}

const DAY_MS = 86_400_000

/** When the partition of a moment (microseconds) begins, in UTC, milliseconds since the epoch. */
const PARTITION_OF: Readonly<Record<'month' | 'day', (micros: number) => number>> = {
  month: (micros) => {
    const date = new Date(micros / 1000)
    return Date.UTC(date.getUTCFullYear(), date.getUTCMonth())
  },
  day: (micros) => Math.floor(micros / 1000 / DAY_MS) * DAY_MS,
}

/** How many partitions the facts of a batch need. */
export function partitionsOf(facts: readonly Fact[], { eventTime, definition }: KeptStream): number {
  const { partitionBy } = definition
  if (partitionBy === undefined) return 0
  return new Set(facts.map(({ row }) => PARTITION_OF[partitionBy](row[eventTime] as number))).size
}
