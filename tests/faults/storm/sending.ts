import { setTimeout as delay } from 'node:timers/promises'
import type { Sender } from '../../support/sender.ts'

const EVERY_MS = 250

/**
 * Sends at a steady rate, records a second of all senders together, until it is told to stop; a Kafka that is away is
 * waited for.
 */
export function keepSending(senders: readonly Sender[], rate: number): { stop(): Promise<void> } {
  const stop = new AbortController()
  const each = Math.ceil((rate * EVERY_MS) / 1_000 / senders.length)
  const work = async () => {
    while (!stop.signal.aborted) {
      const due = delay(EVERY_MS)
      // Nobody there to take it: nothing was sent, and nothing is in doubt.
      await Promise.all(senders.map((sender) => sender.send(each).catch(() => undefined)))
      await due
    }
  }
  const ended = work()
  return {
    stop: () => {
      stop.abort()
      return ended
    },
  }
}
