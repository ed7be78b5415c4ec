import { unlessAborted } from '../process/aborted.ts'
import { DeliveryFailed, type Channel, type Notification } from './channel.ts'

/** Milliseconds that a channel may take, whatever it does. */
const LIMIT_MS = 10_000

/**
 * Sends once, within the limit.
 *
 * @returns what went wrong, free of secrets; undefined when it was sent.
 */
export async function attempt(
  channel: Channel,
  notification: Notification,
  signal: AbortSignal,
  limitMs = LIMIT_MS,
): Promise<string | undefined> {
  const limit = AbortSignal.timeout(limitMs)
  const either = AbortSignal.any([signal, limit])
  try {
    // A channel that pays no heed to its signal is left behind.
    await unlessAborted(channel.send(notification, either), either)
    return undefined
  } catch (error) {
    if (limit.aborted) return `no answer within ${limitMs / 1_000} s`
    if (error instanceof DeliveryFailed) return error.message
    if (signal.aborted) return 'ended'
    return `unexpected ${error instanceof Error ? error.name : typeof error}`
  }
}
