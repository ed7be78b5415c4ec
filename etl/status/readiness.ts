import { setTimeout as delay } from 'node:timers/promises'
import type { Pool } from 'pg'
import type { PresenceKeeper } from '../operations/presence.ts'

export interface ReadinessSources {
  /** Why a stream can't be loaded; undefined where all can. */
  readonly problem: () => string | undefined
  readonly presence: Pick<PresenceKeeper, 'problem'>
  /** Not the job's: it may be busy. */
  readonly pool: Pool
}

/** What a probe waits for the warehouse. */
const PATIENCE_MS = 3_000

/**
 * Whether this worker has all that it needs to load. However many ask, Kafka is not asked for it, and the
 * warehouse one question at a time.
 *
 * @returns what is missing, or undefined.
 */
export function createReadiness(sources: ReadinessSources): () => Promise<string | undefined> {
  const { presence, pool } = sources
  let asked: Promise<string | undefined> | undefined
  const askWarehouse = (): Promise<string | undefined> =>
    (asked ??= pool
      .query('select 1')
      .then(
        () => undefined,
        () => 'the warehouse does not answer',
      )
      .finally(() => (asked = undefined)))

  return async () => {
    const problem = sources.problem()
    if (problem !== undefined) return problem
    const silence = delay(PATIENCE_MS, 'the warehouse does not answer', { ref: false })
    return (await Promise.race([askWarehouse(), silence])) ?? presence.problem()
  }
}
