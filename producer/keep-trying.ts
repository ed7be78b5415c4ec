import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '../etl/process/log.ts'

const PAUSE_MS = 1_000

/**
 * Does the work until it succeeds, and says each time that it didn't.
 *
 * kafkajs gives up after some seconds without a broker, an idempotent send too: it retries its request
 * for ever, but not the connection under it. Sending the same records again with the same producer is
 * safe: kafkajs takes back the sequence numbers of a failed request, so the broker knows them again.
 *
 * @throws what won't pass by waiting, and, once the signal is aborted, whatever the work throws.
 */
export async function keepTrying<T>(
  what: string,
  work: () => Promise<T>,
  logger: Logger,
  signal?: AbortSignal,
  pauseMs = PAUSE_MS,
): Promise<T> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (signal?.aborted === true || !isTemporary(error)) throw error
      logger.warn({ reason: (error as Error).message }, `${what} failed, trying again`)
    }
    await delay(pauseMs)
  }
}

/** kafkajs marks its errors, and hides the mark of the first one when it gives up: look behind. */
export function isTemporary(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ('retriable' in cause && cause.retriable === true) return true
  }
  return false
}
