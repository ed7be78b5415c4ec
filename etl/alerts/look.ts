import type { ClientBase, Pool } from 'pg'
import { commit, inTransaction } from '../postgres/transaction.ts'
import type { Logger } from '../process/log.ts'
import type { AlertRule, Finding, RuleContext } from './alert.ts'

export interface Lookout {
  readonly pool: Pool
  readonly logger: Logger
  readonly rules: readonly AlertRule[]
  /** Names of the channels that are told. */
  readonly channels: readonly string[]
}

interface Change {
  readonly id: number
  readonly scope: string
  readonly summary: string
}

/**
 * One look at everything that could be wrong: alerts begin and end, and what is to be sent waits in the
 * outbox from the same transaction on. A rule that fails keeps no other from being looked at, and leaves its
 * alerts as they are.
 *
 * @throws Error that names the first rule that failed.
 */
export async function look(lookout: Lookout, context: RuleContext, signal: AbortSignal): Promise<void> {
  const failures: Error[] = []
  for (const rule of lookout.rules) {
    if (signal.aborted) return
    await lookAt(lookout, rule, context).catch((cause: unknown) => {
      failures.push(new Error(`alert rule ${rule.id} could not be looked at`, { cause }))
    })
  }
  if (failures[0] !== undefined) throw failures[0]
}

/** Ends the alerts of rules that no longer exist: nothing else would. Once at the start is enough. */
export async function endAlertsOfRemovedRules({ pool, logger, rules, channels }: Lookout): Promise<void> {
  const ended = await inTransaction(pool, async (client) => {
    const { rows } = await client.query<Change>(
      `update audit.alerts set ended_at = now() where ended_at is null and rule <> all($1) returning id, scope, summary`,
      [rules.map(({ id }) => id)],
    )
    await announceEnd(client, rows, channels)
    return commit(rows)
  })
  for (const change of ended) logger.info({ alert: change.id }, 'alert ended: its rule was removed')
}

/**
 * The advisory lock lets one worker at a time judge a rule, so that none acts on what it saw before another one
 * changed it; the others leave the rule to it, and look again soon. That an alert is open only once does not
 * hang on it: the unique index on (rule, scope) of open alerts admits one row.
 */
async function lookAt(
  { pool, logger, channels }: Lookout,
  rule: AlertRule,
  context: RuleContext,
): Promise<void> {
  const { started, ended } = await inTransaction(pool, async (client) => {
    const { rows } = await client.query<{ ours: boolean }>(
      `select pg_try_advisory_xact_lock(hashtext('pulse: alerts'), hashtext($1)) as ours`,
      [rule.id],
    )
    if (rows[0]?.ours !== true) return commit({ started: [], ended: [] })
    const findings = await rule.find(client, context)
    const open = await openScopes(client, rule)
    const changes = {
      started: await begin(
        client,
        rule,
        findings.filter(({ scope }) => !open.has(scope)),
      ),
      ended: await end(client, rule, [...open.difference(new Set(findings.map(({ scope }) => scope)))]),
    }
    await addToOutbox(client, changes.started, 'started', channels)
    await announceEnd(client, changes.ended, channels)
    return commit(changes)
  })
  for (const { id, scope, summary } of started)
    logger.warn({ alert: id, rule: rule.id, scope, summary }, 'alert started')
  for (const { id, scope } of ended) logger.info({ alert: id, rule: rule.id, scope }, 'alert ended')
}

async function openScopes(client: ClientBase, { id }: AlertRule): Promise<ReadonlySet<string>> {
  const { rows } = await client.query<{ scope: string }>(
    `select scope from audit.alerts where rule = $1 and ended_at is null`,
    [id],
  )
  return new Set(rows.map(({ scope }) => scope))
}

async function begin(
  client: ClientBase,
  { id, severity }: AlertRule,
  findings: readonly Finding[],
): Promise<Change[]> {
  if (findings.length === 0) return []
  const { rows } = await client.query<Change>(
    `insert into audit.alerts (rule, severity, scope, summary, first_action, started_at)
     select $1, $2, * from unnest($3::text[], $4::text[], $5::text[], $6::timestamptz[])
     on conflict (rule, scope) where ended_at is null do nothing
     returning id, scope, summary`,
    [
      id,
      severity,
      findings.map(({ scope }) => scope),
      findings.map(({ summary }) => summary),
      findings.map(({ firstAction }) => firstAction),
      findings.map(({ since }) => since),
    ],
  )
  return rows
}

async function end(client: ClientBase, { id }: AlertRule, scopes: readonly string[]): Promise<Change[]> {
  if (scopes.length === 0) return []
  const { rows } = await client.query<Change>(
    `update audit.alerts set ended_at = now() where rule = $1 and scope = any($2) and ended_at is null
     returning id, scope, summary`,
    [id, scopes],
  )
  return rows
}

/**
 * What ended before its beginning could be told is told once: its end says from when to when it was. A
 * beginning that is being sent at this moment is sent all the same.
 */
async function announceEnd(
  client: ClientBase,
  alerts: readonly Change[],
  channels: readonly string[],
): Promise<void> {
  if (alerts.length === 0) return
  await client.query(
    `update audit.alert_notifications set gave_up_at = now(), last_error = 'it ended first: only its end is sent'
     where alert_id = any($1) and event = 'started' and sent_at is null and gave_up_at is null`,
    [alerts.map(({ id }) => id)],
  )
  await addToOutbox(client, alerts, 'ended', channels)
}

async function addToOutbox(
  client: ClientBase,
  alerts: readonly Change[],
  event: 'started' | 'ended',
  channels: readonly string[],
): Promise<void> {
  if (alerts.length === 0 || channels.length === 0) return
  await client.query(
    `insert into audit.alert_notifications (alert_id, event, channel)
     select id, $2, channel from unnest($1::bigint[]) id, unnest($3::text[]) channel`,
    [alerts.map(({ id }) => id), event, channels],
  )
}
