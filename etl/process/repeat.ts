import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from './log.ts'

/** Work that goes on until it is stopped. */
export interface Repetition {
  /** Aborts the pause or tells the work under way, and resolves when it has ended. */
  stop(): Promise<void>
}

/**
 * Does a work again and again, never twice at once, with a pause after each time. What it throws is logged
 * when it begins and when it ends, not each time, and ends nothing: the next time may succeed.
 *
 * @param pauseMs milliseconds from the end of one time to the beginning of the next.
 */
export function repeatedly(
  name: string,
  pauseMs: number,
  logger: Logger,
  work: (signal: AbortSignal) => Promise<void>,
): Repetition {
  const stopping = new AbortController()
  const { signal } = stopping
  const ended = loop()
  return {
    stop: () => {
      stopping.abort()
      return ended
    },
  }

  async function loop(): Promise<void> {
    let failing = false
    while (!signal.aborted) {
      try {
        await work(signal)
        if (failing) logger.info(`${name} works again`)
        failing = false
      } catch (error) {
        if (!failing && !signal.aborted) logger.warn({ err: error }, `${name} failed; it is tried again`)
        failing = true
      }
      await delay(pauseMs, undefined, { signal }).catch(() => undefined)
    }
  }
}
