import { setTimeout as delay } from 'node:timers/promises'
import type { Pace } from './pace.ts'
import type { Message } from './stream.ts'
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
  readonly messages: Iterator<Message, never, undefined>
  /** Resolves when the records are stored for good. */
  readonly send: (records: readonly Message[]) => Promise<void>
  readonly pace: Pace
  /** Stop after so many records. */
  readonly limit?: number | undefined
  /** Stop after the send in hand. */
  readonly signal: AbortSignal
  readonly tally: OpenTally
  readonly clock?: Clock
}

/**
 * Makes records as they fall due and sends them, until the limit is reached or the signal is aborted.
 *
 * One send at a time: a record never overtakes another, no more than one chunk is in memory however
 * slow Kafka is, and what the tally counts is acknowledged.
 *
 * @throws what `send` throws; the tally then holds that chunk as in doubt.
 */
export async function publish({
  messages,
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
    const chunk: Message[] = []
    while (chunk.length < due && chunk.length < left) chunk.push(messages.next().value)
    left -= chunk.length
    tally.handedOver(chunk)
    await send(chunk)
    tally.acknowledged(chunk)
  }
}
