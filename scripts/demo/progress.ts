import { setTimeout as delay } from 'node:timers/promises'
import type { Pool } from 'pg'
import type { Kafka } from '../../etl/kafka/client.ts'
import { partitionBounds, withAdmin } from '../../etl/kafka/topics.ts'
import { thousands } from './screen.ts'

export interface Lag {
  /** Records between the watermarks and the ends of the logs. */
  readonly records: number
  /** Why partitions stand still, in a sentence each. */
  readonly stopped: readonly string[]
}

interface Place {
  readonly kafka: Kafka
  readonly pool: Pool
  readonly names: { readonly topic: string }
}

/** How far the warehouse is behind the topic. */
export async function readLag({ kafka, pool, names: { topic } }: Place): Promise<Lag> {
  const bounds = await withAdmin(kafka, (admin) => partitionBounds(admin, topic))
  const { rows } = await pool.query<{ partition: number; next: number; stopReason: string | null }>(
    `select partition, next_offset as next, stop_reason as "stopReason" from audit.partition_progress
     where topic = $1 order by partition`,
    [topic],
  )
  const next = new Map(rows.map((row) => [row.partition, row.next]))
  return {
    records: bounds.reduce((sum, { partition, start, end }) => sum + end - (next.get(partition) ?? start), 0),
    stopped: rows.flatMap(({ partition, stopReason }) =>
      stopReason === null ? [] : [`partition ${partition}: ${stopReason}`],
    ),
  }
}

/**
 * Waits until everything in the topic is in the warehouse. Nothing may be added to the topic meanwhile.
 *
 * @param patienceMs how long the lag may stay as it is.
 * @returns why that will not come, or undefined when it has come.
 */
export async function untilDrained(
  read: () => Promise<Lag>,
  patienceMs: number,
  everyMs = 500,
): Promise<string | undefined> {
  let least = Number.POSITIVE_INFINITY
  let shrunkAt = performance.now()
  for (;;) {
    const lag = await read().catch((error: Error) => error)
    if (!(lag instanceof Error)) {
      if (lag.records === 0) return undefined
      if (lag.stopped.length > 0)
        return `${thousands(lag.records)} records are not loaded: the ETL has stopped ${lag.stopped.join('; ')}`
      if (lag.records < least) {
        least = lag.records
        shrunkAt = performance.now()
      }
    }
    if (performance.now() - shrunkAt > patienceMs) {
      const state =
        lag instanceof Error
          ? `the lag can’t be read: ${lag.message}`
          : `${thousands(lag.records)} records are not loaded`
      return `${state}, and nothing has changed for ${Math.round(patienceMs / 1000)} s`
    }
    await delay(everyMs)
  }
}
