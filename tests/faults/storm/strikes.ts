import { setTimeout as delay } from 'node:timers/promises'
import { createRandom } from '../../../producer/random.ts'
import { waitFor } from '../../support/wait-for.ts'
import { strike, type Struck, type Targets } from './faults.ts'
import type { Place } from './place.ts'

/** A few faults in quick succession. */
export interface Wave {
  readonly struck: readonly Struck[]
  /** From the last of them, with all servers up, until every partition was loaded further. */
  readonly recoveredMs: number
}

export interface StrikeOptions {
  /** With the number of a fault it decides what that fault is, whatever became of those before. */
  readonly seed: number
  /** Number of the first fault. */
  readonly first: number
  /** Faults to do. */
  readonly count: number
  /** No further fault once it is aborted. */
  readonly signal: AbortSignal
  readonly onWave: (wave: Wave) => void
}

/** So long may that take with all servers up. It takes seconds, but not on every machine. */
const PROGRESS_LIMIT_MS = 120_000
const WAVE = { min: 4, max: 8, pauseMs: 400 }

/**
 * Strikes in waves. One begins as soon as every partition is loaded again after the one before: that is when most
 * is under way, and it proves that what is survived is not survived by doing nothing.
 *
 * @returns every fault that was done, all healed.
 * @throws Error where a partition of a stream was not loaded any further after a wave, or a server does not come back.
 */
export async function strikeInWaves(
  targets: Targets,
  { seed, first, count, signal, onWave }: StrikeOptions,
): Promise<Struck[]> {
  const all: Struck[] = []
  while (all.length < count && !signal.aborted) {
    const struck: Struck[] = []
    let size = 1
    while (struck.length < size && !signal.aborted) {
      const random = createRandom((seed + first + all.length + struck.length) % 2 ** 32)
      if (struck.length === 0) size = Math.min(random.between(WAVE.min, WAVE.max), count - all.length)
      struck.push(await strike(targets, random))
      await delay(random.between(0, WAVE.pauseMs))
    }
    await Promise.all(struck.filter(({ ofServer }) => ofServer).map(({ healed }) => healed))
    const serversUp = performance.now()
    await progress(targets.place)
    all.push(...struck)
    onWave({ struck, recoveredMs: performance.now() - serversUp })
  }
  await Promise.all(all.map(({ healed }) => healed))
  return all
}

/** Resolves when the watermark of each partition has moved on from where it is now. */
async function progress({ pool, streams }: Place): Promise<void> {
  const partitions = streams.reduce((sum, one) => sum + one.partitions, 0)
  let before: Map<string, number> | undefined
  await waitFor(
    'every partition to be loaded further, with all servers up',
    async () => {
      const now = await watermarks(pool).catch(() => undefined) // it is just coming back
      before ??= now
      return (
        now?.size === partitions && [...now].every(([partition, at]) => at > (before?.get(partition) ?? 0))
      )
    },
    { limitMs: PROGRESS_LIMIT_MS, everyMs: 50 },
  )
}

async function watermarks(pool: Place['pool']): Promise<Map<string, number>> {
  const { rows } = await pool.query<{ partition: string; next_offset: string }>(
    `select topic || ' ' || partition as partition, next_offset::text from audit.partition_progress`,
  )
  return new Map(rows.map(({ partition, next_offset }) => [partition, Number(next_offset)]))
}
