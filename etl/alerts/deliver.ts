import type { Pool } from 'pg'
import { and, eq, getTableColumns, isNull, lt, lte, sql } from '../postgres/drizzle.ts'
import { on } from '../postgres/query.ts'
import type { Logger } from '../process/log.ts'
import { alertNotifications, alerts } from '../schema/operations.ts'
import { attempt, type Channel, type Notification } from './channel.ts'

export interface DeliveryOptions {
  readonly pool: Pool
  readonly logger: Logger
  /** The console's address for an alert of this rule about this stream. */
  readonly linkOf: (rule: string, stream: string) => string
}

/** A notification that is ours to send until its next attempt falls due. */
type Claimed = NonNullable<Awaited<ReturnType<typeof claim>>>

/**
 * Sends what waits for a channel and is due, one after the other. At least once: who dies between sending and
 * writing that down leaves it to be sent again, when the claim has run out.
 */
export async function deliverWaiting(
  { pool, logger, linkOf }: DeliveryOptions,
  channel: Channel,
  signal: AbortSignal,
): Promise<void> {
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
function notificationOf(alert: Omit<Claimed, 'attempts'>, linkOf: DeliveryOptions['linkOf']): Notification {
  return {
    ...alert,
    endedAt: alert.event === 'ended' ? alert.endedAt : null,
    link: linkOf(alert.rule, alert.stream),
  }
}

/**
 * Takes one notification by moving its next attempt ahead, before it is sent: 30 s, doubled each time, an
 * hour at most. That is the claim and the back-off in one, and no transaction stays open while the network is
 * waited for. SKIP LOCKED passes over what another worker is claiming now; after its commit the row is no
 * longer due. The shortest claim is three times what an attempt may take, so no two send the same.
 */
async function claim(pool: Pool, name: string) {
  const { alertId, event, channel, attempts, sentAt, gaveUpAt, nextAttemptAt } = alertNotifications
  const db = on(pool)
  const due = db.$with('due').as(
    db
      .select({ alertId, event, channel })
      .from(alertNotifications)
      .where(and(eq(channel, name), isNull(sentAt), isNull(gaveUpAt), lte(nextAttemptAt, sql`now()`)))
      .orderBy(alertId)
      .limit(1)
      .for('update', { skipLocked: true }),
  )
  const claimed = db.$with('claimed').as(
    db
      .update(alertNotifications)
      .set({
        attempts: sql`${attempts} + 1`,
        nextAttemptAt: sql`now() + make_interval(secs => least(30 * 2 ^ ${attempts}, 3600))`,
      })
      .from(due)
      .where(and(eq(alertId, due.alertId), eq(event, due.event), eq(channel, due.channel)))
      .returning({ alertId, event, attempts }),
  )
  const [one] = await db
    .with(due, claimed)
    .select({ ...getTableColumns(alerts), event: claimed.event, attempts: claimed.attempts })
    .from(claimed)
    .innerJoin(alerts, eq(alerts.id, claimed.alertId))
  return one
}

const isOf = ({ id, event }: Claimed, channel: string) =>
  and(
    eq(alertNotifications.alertId, id),
    eq(alertNotifications.event, event),
    eq(alertNotifications.channel, channel),
  )

/** Also where it was given up while it was being sent. */
async function markSent(pool: Pool, claimed: Claimed, channel: string): Promise<void> {
  await on(pool)
    .update(alertNotifications)
    .set({ sentAt: sql`now()`, gaveUpAt: null, lastError: null })
    .where(isOf(claimed, channel))
}

async function markFailed(pool: Pool, claimed: Claimed, channel: string, error: string): Promise<void> {
  await on(pool)
    .update(alertNotifications)
    .set({ lastError: error })
    .where(and(isOf(claimed, channel), isNull(alertNotifications.gaveUpAt)))
}

/** What could not be sent for a day is no news any more. Of channels that were taken away, too. */
export async function giveUpOld({ pool, logger }: DeliveryOptions): Promise<void> {
  const { alertId, event, channel, createdAt, sentAt, gaveUpAt, lastError } = alertNotifications
  const givenUp = await on(pool)
    .update(alertNotifications)
    .set({ gaveUpAt: sql`now()` })
    .where(and(isNull(sentAt), isNull(gaveUpAt), lt(createdAt, sql`now() - interval '1 day'`)))
    .returning({ alert: alertId, event, channel, error: lastError })
  for (const given of givenUp) logger.error(given, 'alert given up: it could not be sent for a day')
}
