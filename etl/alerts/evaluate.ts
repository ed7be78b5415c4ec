import type { ClientBase, Pool } from 'pg'
import { and, eq, inArray, isNotNull, isNull, not, or, sql } from '../postgres/drizzle.ts'
import { columnsOf, on, type Row } from '../postgres/query.ts'
import { commit, inTransaction } from '../postgres/transaction.ts'
import type { Logger } from '../process/log.ts'
import { streams } from '../schema/audit.ts'
import { alertNotifications, alerts } from '../schema/operations.ts'
import type { AlertEvent, AlertRule, Finding, RuleContext } from './alert.ts'

export interface Lookout {
  readonly pool: Pool
  readonly logger: Logger
  readonly rules: readonly AlertRule[]
  /** Names of the channels that are told. */
  readonly channels: readonly string[]
}

const CHANGE = columnsOf(alerts, 'id', 'scope', 'summary')
type Change = Row<typeof CHANGE>

/**
 * One look at everything that could be wrong with a stream, or with all of them: alerts begin and end, and what is to
 * be sent waits in the outbox from the same transaction on. A rule that fails keeps no other from being looked at, and
 * leaves its alerts as they are.
 *
 * @throws Error that names the first rule that failed.
 */
export async function look(lookout: Lookout, context: RuleContext, signal: AbortSignal): Promise<void> {
  const failures: Error[] = []
  for (const rule of lookout.rules) {
    if (signal.aborted) return
    if (context.stream === '' && rule.ofAll !== true) continue
    await lookAt(lookout, rule, context).catch((cause: unknown) => {
      failures.push(new Error(`alert rule ${rule.id} could not be looked at`, { cause }))
    })
  }
  if (failures[0] !== undefined) throw failures[0]
}

/**
 * Ends the alerts of rules that no longer exist, and of streams that are no longer declared: nothing else would. Once
 * at the start is enough.
 */
export async function endAlertsOfRemoved({ pool, logger, rules, channels }: Lookout): Promise<void> {
  const known = rules.map(({ id }) => id)
  const retired = on(pool).select({ name: streams.name }).from(streams).where(isNotNull(streams.retiredAt))
  const over = await inTransaction(pool, async (client) => {
    const ended = await on(client)
      .update(alerts)
      .set({ endedAt: sql`now()` })
      .where(
        and(isNull(alerts.endedAt), or(not(inArray(alerts.rule, known)), inArray(alerts.stream, retired))),
      )
      .returning(CHANGE)
    await announceEnd(client, ended, channels)
    return commit(ended)
  })
  for (const change of over) logger.info({ alert: change.id }, 'alert ended: its rule or stream was removed')
}

/**
 * The advisory lock lets one worker at a time judge a rule of a stream, so that none acts on what it saw before another one
 * changed it; the others leave the rule to it, and look again soon. That an alert is open only once does not
 * hang on it: the unique index on (rule, stream, scope) of open alerts
 * admits one row.
 */
async function lookAt(
  { pool, logger, channels }: Lookout,
  rule: AlertRule,
  context: RuleContext,
): Promise<void> {
  const { started, ended } = await inTransaction(pool, async (client) => {
    const { rows } = await client.query<{ ours: boolean }>(
      `select pg_try_advisory_xact_lock(hashtext('pulse: alerts'), hashtext($1)) as ours`,
      [`${rule.id} ${context.stream}`],
    )
    if (rows[0]?.ours !== true) return commit({ started: [], ended: [] })
    const findings = await rule.find(client, context)
    const { stream, prefix } = context
    const open = await openScopes(client, rule, stream)
    const news = findings.filter(({ scope }) => !open.has(scope))
    const over = open.difference(new Set(findings.map(({ scope }) => scope)))
    const changes = {
      started: await begin(client, rule, stream, prefix, news),
      ended: await end(client, rule, stream, [...over]),
    }
    await addToOutbox(client, changes.started, 'started', channels)
    await announceEnd(client, changes.ended, channels)
    return commit(changes)
  })
  for (const { id, scope, summary } of started)
    logger.warn({ alert: id, rule: rule.id, stream: context.stream, scope, summary }, 'alert started')
  for (const { id, scope } of ended)
    logger.info({ alert: id, rule: rule.id, stream: context.stream, scope }, 'alert ended')
}

async function openScopes(
  client: ClientBase,
  { id }: AlertRule,
  stream: string,
): Promise<ReadonlySet<string>> {
  const open = await on(client)
    .select({ scope: alerts.scope })
    .from(alerts)
    .where(and(eq(alerts.rule, id), eq(alerts.stream, stream), isNull(alerts.endedAt)))
  return new Set(open.map(({ scope }) => scope))
}

async function begin(
  client: ClientBase,
  { id: rule, severity }: AlertRule,
  stream: string,
  prefix: string,
  findings: readonly Finding[],
): Promise<Change[]> {
  if (findings.length === 0) return []
  return on(client)
    .insert(alerts)
    .values(
      findings.map(({ since, summary, ...finding }) => ({
        ...finding,
        summary: prefix + summary,
        rule,
        stream,
        severity,
        startedAt: since,
      })),
    )
    .onConflictDoNothing({
      target: [alerts.rule, alerts.stream, alerts.scope],
      where: isNull(alerts.endedAt),
    })
    .returning(CHANGE)
}

async function end(
  client: ClientBase,
  { id }: AlertRule,
  stream: string,
  scopes: readonly string[],
): Promise<Change[]> {
  if (scopes.length === 0) return []
  return on(client)
    .update(alerts)
    .set({ endedAt: sql`now()` })
    .where(
      and(
        eq(alerts.rule, id),
        eq(alerts.stream, stream),
        inArray(alerts.scope, [...scopes]),
        isNull(alerts.endedAt),
      ),
    )
    .returning(CHANGE)
}

/**
 * What ended before its beginning could be told is told once: its end says from when to when it was. A
 * beginning that is being sent at this moment is sent all the same.
 */
async function announceEnd(
  client: ClientBase,
  ended: readonly Change[],
  channels: readonly string[],
): Promise<void> {
  if (ended.length === 0) return
  const { alertId, event, sentAt, gaveUpAt } = alertNotifications
  const ids = ended.map(({ id }) => id)
  await on(client)
    .update(alertNotifications)
    .set({ gaveUpAt: sql`now()`, lastError: 'it ended first: only its end is sent' })
    .where(and(inArray(alertId, ids), eq(event, 'started'), isNull(sentAt), isNull(gaveUpAt)))
  await addToOutbox(client, ended, 'ended', channels)
}

async function addToOutbox(
  client: ClientBase,
  changes: readonly Change[],
  event: AlertEvent,
  channels: readonly string[],
): Promise<void> {
  if (changes.length === 0 || channels.length === 0) return
  await on(client)
    .insert(alertNotifications)
    .values(changes.flatMap(({ id: alertId }) => channels.map((channel) => ({ alertId, event, channel }))))
}
