import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '../etl/process/log.ts'
import type { Pace } from './pace.ts'
import type { Message } from './messages.ts'
import type { OpenTally } from './tally.ts'

export interface Clock {
  /** Monotonic, milliseconds. */
  now(): number
  /** Ends early, without an error, when the signal is aborted. */
  wait(ms: number, signal: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wait: async (ms, signal) => {
    try {
      await delay(ms, undefined, { signal })
    } catch (error) {
      if (!signal.aborted) throw error
    }
  },
}

export interface PublishOptions {
  readonly steps: Iterator<readonly Message[], never, undefined>
  /** Resolves when the records are stored for good. */
  readonly send: (records: readonly Message[]) => Promise<void>
  readonly pace: Pace
  /** Stop after so many steps. */
  readonly limit?: number | undefined
  /** Stop after the send in hand. */
  readonly signal: AbortSignal
  readonly tally: OpenTally
  readonly clock?: Clock
}

/**
 * Makes the records of each step that falls due and sends them, until the limit is reached or the signal is aborted.
 *
 * One send at a time: a record never overtakes another of its stream, no more than one chunk is in memory however
 * slow Kafka is, and what the tally counts is acknowledged.
 *
 * @throws what `send` throws; the tally then holds that chunk as in doubt.
 */
export async function publish({
  steps,
  send,
  pace,
  limit = Number.POSITIVE_INFINITY,
  signal,
  tally,
  clock = systemClock,
}: PublishOptions): Promise<void> {
  let left = limit
  while (!signal.aborted && left > 0) {
    const { due, waitMs } = pace(clock.now())
    if (due === 0) {
      await clock.wait(waitMs, signal)
      continue
    }
    const taken = Math.min(due, left)
    const chunk = Array.from({ length: taken }, () => steps.next().value).flat()
    left -= taken
    tally.handedOver(chunk)
    await send(chunk)
    tally.acknowledged(chunk, taken)
  }
}

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
