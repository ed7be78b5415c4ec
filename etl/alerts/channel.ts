import { unlessAborted } from '../process/aborted.ts'
import type { Config } from '../process/config.ts'
import { plain } from '../text/excerpt.ts'
import type { AlertEvent, AlertFacts } from './alert.ts'

/** What is told of an alert. */
export interface Notification extends AlertFacts {
  readonly event: AlertEvent | 'test'
  /** The alert's; null for a test. One that comes twice has the same id and event. */
  readonly id: number | null
  readonly link: string
}

/** A way to tell people. */
export interface Channel {
  /** Stands in audit.alert_notifications: it never changes. */
  readonly name: string
  /**
   * Resolves when the other side has taken it.
   *
   * @param signal ends the attempt.
   * @throws DeliveryFailed with what may be written down. Of any other error only its name is.
   */
  send(notification: Notification, signal: AbortSignal): Promise<void>
}

/** The channel, where the configuration has it. */
export type ChannelFactory = (config: Config<'alerts'>) => Channel | undefined

/**
 * What went wrong, in words of our own. Errors of libraries and answers of servers may carry an address or a
 * password along, so they are never passed on.
 */
export class DeliveryFailed extends Error {
  override readonly name = 'DeliveryFailed'
}

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

/** Code points of a headline: a subject line that nobody has to scroll. */
const HEADLINE_LENGTH = 200

/** What happened, in one printable line, whatever the summary quotes. */
export function headline({ event, severity, summary }: Notification): string {
  const labels = { started: severity === 'critical' ? 'Critical' : 'Warning', ended: 'Ended', test: 'Test' }
  return plain(`${labels[event]}: ${summary}`, HEADLINE_LENGTH)
}

/** Since when, or from when to when. */
export function period({ startedAt, endedAt }: Notification): string {
  return endedAt === null ? `Since ${utc(startedAt)}` : `From ${utc(startedAt)} to ${utc(endedAt)}`
}

/** 2026-11-21 10:00:00 UTC */
function utc(time: Date): string {
  return `${time.toISOString().slice(0, 19).replace('T', ' ')} UTC`
}
