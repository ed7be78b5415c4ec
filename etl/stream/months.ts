import type { Pool } from 'pg'
import type { Fact } from './types.ts'

/** Months whose partition is known to be there. */
export interface MonthKeeper {
  /** Makes the partitions that these facts need and that are not known to be there. */
  ensure(facts: readonly Fact[]): Promise<void>
  /** Believes in no month any more. */
  forget(): void
}

/** How long a month is believed to be there without asking: it may be dropped for its age. */
const BELIEVED_MS = 60_000

/**
 * Each partition is made in a transaction of its own, before the load: DDL inside it would hold locks
 * that others wait for.
 */
export function createMonthKeeper(
  pool: Pool,
  { name, eventTime }: { readonly name: string; readonly eventTime: string },
): MonthKeeper {
  const known = new Map<number, number>()
  return {
    forget: () => known.clear(),
    ensure: async (facts) => {
      const now = performance.now()
      const missing = new Set<number>()
      for (const { row } of facts) {
        const month = monthOf(row[eventTime] as number)
        if (now - (known.get(month) ?? -Infinity) > BELIEVED_MS) missing.add(month)
      }
      for (const month of [...missing].sort((a, b) => a - b)) {
        await pool.query('select audit.ensure_partition($1, to_timestamp($2::double precision / 1000))', [
          name,
          Date.UTC(Math.floor(month / 12), month % 12),
        ])
        known.set(month, now)
      }
    },
  }
}

/** Months since the year 0, in UTC. */
function monthOf(micros: number): number {
  const date = new Date(micros / 1000)
  return date.getUTCFullYear() * 12 + date.getUTCMonth()
}
