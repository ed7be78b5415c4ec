import type { ClientBase, Pool } from 'pg'

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

/** What became of telling an alert by one channel. */
export interface NotificationState {
  readonly event: 'started' | 'ended'
  readonly channel: string
  readonly state: 'waiting' | 'sent' | 'given up'
  readonly attempts: number
  readonly sentAt: Date | null
  /** While it waits. */
  readonly nextAttemptAt: Date
  readonly lastError: string | null
}

export interface Alert extends AlertFacts {
  readonly id: number
  readonly notifications: readonly NotificationState[]
}

const COLUMNS = `id, rule, scope, severity, summary, first_action as "firstAction", started_at as "startedAt",
  ended_at as "endedAt"`

/**
 * Those that go on, then those that are over, each newest first.
 *
 * @param options.open only those that go on.
 */
export async function readAlerts(
  pool: Pool,
  { open, limit }: { readonly open: boolean; readonly limit: number },
): Promise<Alert[]> {
  const { rows: alerts } = await pool.query<Omit<Alert, 'notifications'>>(
    open
      ? `select ${COLUMNS} from audit.alerts where ended_at is null order by started_at desc, id desc limit $1`
      : `select * from (
           select ${COLUMNS} from audit.alerts where ended_at is null
           union all
           (select ${COLUMNS} from audit.alerts where ended_at is not null order by started_at desc, id desc limit $1)
         ) listed
         order by "endedAt" is not null, "startedAt" desc, id desc limit $1`,
    [limit],
  )
  const { rows: notifications } = await pool.query<NotificationState & { alertId: number }>(
    `select alert_id as "alertId", event, channel, attempts, sent_at as "sentAt", next_attempt_at as "nextAttemptAt",
            last_error as "lastError",
            case when sent_at is not null then 'sent' when gave_up_at is not null then 'given up' else 'waiting' end as state
     from audit.alert_notifications where alert_id = any($1) order by event = 'ended', channel`,
    [alerts.map(({ id }) => id)],
  )
  const told = Map.groupBy(notifications, ({ alertId }) => alertId)
  return alerts.map((alert) => ({
    ...alert,
    notifications: (told.get(alert.id) ?? []).map(({ alertId: _alertId, ...state }) => state),
  }))
}
