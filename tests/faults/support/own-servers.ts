import { startLocalKafka, type LocalBroker } from '../../../scripts/servers/local-kafka.ts'
import { startLocalPostgres, type LocalPostgres } from '../../../scripts/servers/local-postgres.ts'
import { watchedDirectory, type Watchdog } from '../../../scripts/servers/watchdog.ts'
import type { StartPlan } from '../../../scripts/servers/types.ts'

/**
 * One server of a test's own, for what is done to its files: local processes only. The other one is that of
 * all tests.
 */

/** Ends the server and removes its directory. */
interface Stop {
  stop(): Promise<void>
}

export type OwnPostgres = LocalPostgres & Stop
export type OwnKafka = Stop & { readonly brokers: readonly LocalBroker[] }

/** @returns the reason, for a skip, where this machine can't have one. */
export function ownPostgres(): Promise<OwnPostgres | string> {
  return own(async (directory, watchdog) => startLocalPostgres(directory, watchdog, PLAN))
}

/** A cluster of so many brokers. @returns the reason, for a skip, where this machine can't have one. */
export function ownKafka(size = 1): Promise<OwnKafka | string> {
  return own(async (directory, watchdog) => ({
    brokers: await startLocalKafka(directory, watchdog, PLAN, size),
  }))
}

const PLAN: StartPlan = { say: () => undefined, postgresSettings: {}, kafkaSettings: {} }

async function own<T>(
  start: (directory: string, watchdog: Watchdog) => Promise<T>,
): Promise<(T & Stop) | string> {
  const { directory, watchdog } = watchedDirectory()
  try {
    return { ...(await start(directory, watchdog)), stop: () => watchdog.end() }
  } catch (error) {
    await watchdog.end()
    return `no server of its own to be had: ${(error as Error).message}`
  }
}
