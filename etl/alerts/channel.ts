import type { Config } from '../process/config.ts'
import type { Severity } from './rule.ts'

/** What there is to tell of an alert. */
export interface AlertFacts {
  readonly rule: string
  readonly scope: string
  readonly severity: Severity
  readonly summary: string
  readonly firstAction: string
  readonly startedAt: Date
  /** Null while it goes on. */
  readonly endedAt: Date | null
}

/** What is told of an alert. */
export interface Notification extends AlertFacts {
  readonly event: 'started' | 'ended' | 'test'
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
