import type { Pool } from 'pg'
import type { Logger } from '../process/log.ts'
import type { AlertFacts } from './alert.ts'
import { attempt, type Channel, type Notification } from './channel.ts'

export interface Outbox {
  readonly pool: Pool
  readonly logger: Logger
  /** The console's address for an alert of this rule. */
  readonly linkOf: (rule: string) => string
}

/** A notification that is ours to send until its next attempt falls due. */
interface Claimed extends AlertFacts {
  readonly id: number
  readonly event: 'started' | 'ended'
  readonly attempts: number
}

/**
 * Sends what waits for a channel and is due, one after the other. At least once: who dies between sending and
 * writing that down leaves it to be sent again, when the claim has run out.
 */
export async function deliverWaiting(outbox: Outbox, channel: Channel, signal: AbortSignal): Promise<void> {
  const { pool, logger, linkOf } = outbox
  while (!signal.aborted) {
    const claimed = await claim(pool, channel.name)
    if (claimed === undefined) return
    const { attempts, ...alert } = claimed
    const about = { channel: channel.name, alert: claimed.id, event: claimed.event, attempts }
    const error = await attempt(channel, notificationOf(alert, linkOf), signal)
    if (error === undefined) {
      await markSent(pool, claimed, channel.name)
      logger.info(about, 'alert sent')
    } else if (!signal.aborted) {
      await markFailed(pool, claimed, channel.name, error)
      logger.warn({ ...about, error }, 'alert could not be sent; it is tried again')
    }
  }
}

/** The end of an alert that goes on meanwhile is told by its own notification. */
function notificationOf(alert: Omit<Claimed, 'attempts'>, linkOf: Outbox['linkOf']): Notification {
  return { ...alert, endedAt: alert.event === 'ended' ? alert.endedAt : null, link: linkOf(alert.rule) }
}

/**
 * Takes one notification by moving its next attempt ahead, before it is sent: 30 s, doubled each time, an
 * hour at most. That is the claim and the back-off in one, and no transaction stays open while the network is
 * waited for. SKIP LOCKED passes over what another worker is claiming now; after its commit the row is no
 * longer due. The shortest claim is three times what an attempt may take, so no two send the same.
 */
async function claim(pool: Pool, channel: string): Promise<Claimed | undefined> {
  const { rows } = await pool.query<Claimed>(
    `with due as (
       select alert_id, event, channel from audit.alert_notifications
       where channel = $1 and sent_at is null and gave_up_at is null and next_attempt_at <= now()
       order by alert_id limit 1 for update skip locked
     ), claimed as (
       update audit.alert_notifications n
       set attempts = attempts + 1, next_attempt_at = now() + make_interval(secs => least(30 * 2 ^ attempts, 3600))
       from due where (n.alert_id, n.event, n.channel) = (due.alert_id, due.event, due.channel)
       returning n.alert_id, n.event, n.attempts
     )
     select a.id, event, attempts, rule, scope, severity, summary, first_action as "firstAction",
            started_at as "startedAt", ended_at as "endedAt"
     from claimed join audit.alerts a on a.id = alert_id`,
    [channel],
  )
  return rows[0]
}

/** Also where it was given up while it was being sent. */
async function markSent(pool: Pool, { id, event }: Claimed, channel: string): Promise<void> {
  await pool.query(
    `update audit.alert_notifications set sent_at = now(), gave_up_at = null, last_error = null
     where alert_id = $1 and event = $2 and channel = $3`,
    [id, event, channel],
  )
}

async function markFailed(pool: Pool, { id, event }: Claimed, channel: string, error: string): Promise<void> {
  await pool.query(
    `update audit.alert_notifications set last_error = $4
     where alert_id = $1 and event = $2 and channel = $3 and gave_up_at is null`,
    [id, event, channel, error],
  )
}

/** What could not be sent for a day is no news any more. Of channels that were taken away, too. */
export async function giveUpOld({ pool, logger }: Outbox): Promise<void> {
  const { rows } = await pool.query<{ alert: number; event: string; channel: string; error: string | null }>(
    `update audit.alert_notifications set gave_up_at = now()
     where sent_at is null and gave_up_at is null and created_at < now() - interval '1 day'
     returning alert_id as alert, event, channel, last_error as error`,
  )
  for (const given of rows) logger.error(given, 'alert given up: it could not be sent for a day')
}
