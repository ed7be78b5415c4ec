import type { SQL } from 'drizzle-orm'
import type { Pool } from 'pg'
import { and, asc, desc, inArray, isNotNull, isNull, sql } from '../postgres/drizzle.ts'
import { on, type Client, type Row } from '../postgres/query.ts'
import { alertNotifications, alerts, type ALERT_EVENTS, type ALERT_SEVERITIES } from '../schema/operations.ts'

export type Severity = (typeof ALERT_SEVERITIES)[number]
export type AlertEvent = (typeof ALERT_EVENTS)[number]

/** What a rule judges by. Times are compared by the warehouse's clock alone. */
export interface RuleContext {
  /** The stream that is looked at; '' for what is about all of them. */
  readonly stream: string
  /** Its topic; '' for all. */
  readonly topic: string
  /** What a summary begins with, where there are several streams: `products: `. */
  readonly prefix: string
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
  /** The console's page that shows it, of the stream. */
  readonly path: string
  /** Whether it also finds what is about all streams at once. */
  readonly ofAll?: true
  /** At once, and often: an index must serve it. */
  find(client: Client, context: RuleContext): Promise<readonly Finding[]>
}

/** What there is to tell of an alert; `endedAt` is null while it goes on. */
export type AlertFacts = Readonly<Omit<typeof alerts.$inferSelect, 'id'>>

const { event, channel, attempts, sentAt, nextAttemptAt, lastError, gaveUpAt } = alertNotifications
const NOTIFICATION = {
  event,
  channel,
  attempts,
  sentAt,
  /** While it waits. */
  nextAttemptAt,
  lastError,
  state: sql<'waiting' | 'sent' | 'given up'>`
    case when ${sentAt} is not null then 'sent' when ${gaveUpAt} is not null then 'given up' else 'waiting' end`,
}
/** What became of telling an alert by one channel. */
export type NotificationState = Row<typeof NOTIFICATION>

/**
 * Those that go on, then those that are over, each newest first.
 *
 * @param stream those of it, and those about all.
 * @param options.open only those that go on.
 */
export async function readAlerts(
  pool: Pool,
  stream: string,
  { open, limit }: { readonly open: boolean; readonly limit: number },
) {
  const isOurs = inArray(alerts.stream, [stream, ''])
  const found = await (open
    ? newest(pool, and(isOurs, isNull(alerts.endedAt))!, limit)
    : readListed(pool, isOurs, limit))
  const { alertId } = alertNotifications
  const ids = found.map(({ id }) => id)
  const notifications = await on(pool)
    .select({ alertId, ...NOTIFICATION })
    .from(alertNotifications)
    .where(inArray(alertId, ids))
    .orderBy(sql`${event} = 'ended'`, asc(channel))
  const told = Map.groupBy(notifications, (notification) => notification.alertId)
  return found.map((alert) => ({
    ...alert,
    notifications: (told.get(alert.id) ?? []).map(({ alertId: _alertId, ...state }) => state),
  }))
}

export type Alert = Readonly<Awaited<ReturnType<typeof readAlerts>>[number]>

const newest = (pool: Pool, where: SQL, limit: number) =>
  on(pool).select().from(alerts).where(where).orderBy(desc(alerts.startedAt), desc(alerts.id)).limit(limit)

/** All that go on and the newest of the others, each by its index. */
function readListed(pool: Pool, isOurs: SQL, limit: number) {
  const over = newest(pool, and(isOurs, isNotNull(alerts.endedAt))!, limit)
  const open = and(isOurs, isNull(alerts.endedAt))
  const listed = on(pool).select().from(alerts).where(open).unionAll(over).as('listed')
  return on(pool)
    .select()
    .from(listed)
    .orderBy(isNotNull(listed.endedAt), desc(listed.startedAt), desc(listed.id))
    .limit(limit)
}
