import type { ClientBase } from 'pg'

/** Critical is for now, a warning for the working day. */
export type Severity = 'critical' | 'warning'

/** What a rule judges by. Times are compared by the warehouse's clock alone. */
export interface RuleContext {
  readonly topic: string
  /** ALERT_LATE_SECONDS. */
  readonly lateSeconds: number
  /** ALERT_DEAD_LETTER_RATIO. */
  readonly deadLetterRatio: number
  /** For how long this worker has been looking. */
  readonly watchedSeconds: number
}

/** Something that is wrong now. */
export interface Finding {
  /** What it is about where a rule can find several things: `partition 0`; else empty. One alert for each. */
  readonly scope: string
  readonly since: Date
  /** One sentence, without a full stop; it stays as it was when the alert began. */
  readonly summary: string
  /** What to do first, in the imperative. */
  readonly firstAction: string
}

/** A kind of alert. It begins when a finding appears and ends when it is no longer found. */
export interface AlertRule {
  readonly id: string
  readonly severity: Severity
  /** The console's page that shows it. */
  readonly path: string
  /** At once, and often: an index must serve it. */
  find(client: ClientBase, context: RuleContext): Promise<readonly Finding[]>
}
