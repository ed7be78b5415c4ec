import {
  bigint,
  check,
  doublePrecision,
  index,
  integer,
  primaryKey,
  sql,
  text,
  uniqueIndex,
} from '../postgres/drizzle.ts'
import { audit } from './audit.ts'
import { bytea, count, identity, instant, json, offsetColumn, oneOf } from './columns.ts'

/** How it is operated: the control row, what operators did, workers, alerts, sessions, what was pruned. */

/** The switch and the bell for a run now: a row for each stream, and one, '', for all. Every worker reads it each second. */
export const control = audit.table('control', {
  stream: text('stream').primaryKey(),
  pausedAt: instant('paused_at'),
  pausedBy: text('paused_by'),
  pauseReason: text('pause_reason'),
  /** Grows with each request; a worker that sees it grow runs. */
  runRequests: count('run_requests'),
})

export const ACTIONS = [
  'pause',
  'resume',
  'run_now',
  'continue_partition',
  'new_incarnation',
  'acknowledge_loss',
  'move',
  'sweep',
  'redrive',
  'dismiss',
  'replay',
  'forget',
  'test_alert',
  'stop_action',
  'continue_action',
] as const
export const ACTION_STATUSES = ['pending', 'running', 'stopping', 'stopped', 'succeeded', 'failed'] as const
export const OPERATED_VIA = ['console', 'api', 'pulse'] as const

/**
 * Everything that an operator did: who, when, why, and what came of it. What takes time waits here until a
 * worker takes it, and shows its progress here.
 */
export const operatorActions = audit.table(
  'operator_actions',
  {
    id: identity().primaryKey(),
    action: text('action', { enum: ACTIONS }).notNull(),
    /** Null where it is about all of them. */
    stream: text('stream'),
    /** What it acts on: a partition, ids or a filter of dead letters, a range. */
    target: json('target').$type<Readonly<Record<string, unknown>>>().notNull(),
    reason: text('reason'),
    requestedBy: text('requested_by').notNull(),
    via: text('via', { enum: OPERATED_VIA }).notNull(),
    requestedAt: instant('requested_at').notNull().defaultNow(),
    status: text('status', { enum: ACTION_STATUSES }).notNull(),
    /** Records to go through, as counted when it was asked for; null where that has no meaning. */
    total: bigint('total', { mode: 'number' }),
    done: count('done'),
    /** Where to go on after a stop or a crash: the last dead letter's id. */
    position: count('position'),
    /** The corrected value of a redrive. */
    payload: bytea('payload'),
    result: json('result').$type<Readonly<Record<string, unknown>>>(),
    error: text('error'),
    /** Of pipeline_runs; without a foreign key, as most actions have none. */
    runId: bigint('run_id', { mode: 'number' }),
    worker: text('worker'),
    heartbeatAt: instant('heartbeat_at'),
    finishedAt: instant('finished_at'),
  },
  (table) => [
    index('operator_actions_requested').on(table.requestedAt),
    // Few: those under way, which each worker looks through every second.
    index('operator_actions_unfinished')
      .on(table.id)
      .where(sql`status in ('pending', 'running', 'stopping')`),
    // Whoever deletes an old run must know that no action refers to it.
    index('operator_actions_run')
      .on(table.runId)
      .where(sql`run_id is not null`),
    check('operator_actions_action', oneOf('action', ACTIONS)),
    check('operator_actions_status', oneOf('status', ACTION_STATUSES)),
    check('operator_actions_via', oneOf('via', OPERATED_VIA)),
  ],
)

/** How far a replay has come in each partition: it can be stopped and continued. */
export const replayRanges = audit.table(
  'replay_ranges',
  {
    actionId: bigint('action_id', { mode: 'number' })
      .notNull()
      .references(() => operatorActions.id),
    topic: text('topic').notNull(),
    partition: integer('partition').notNull(),
    incarnation: integer('incarnation').notNull(),
    fromOffset: offsetColumn('from_offset').notNull(),
    toOffset: offsetColumn('to_offset').notNull(),
    nextOffset: offsetColumn('next_offset').notNull(),
    /** Records read so far. */
    records: count('records'),
    /** Facts found whose derived values differed. */
    changed: count('changed'),
  },
  (table) => [
    primaryKey({ name: 'replay_ranges_pkey', columns: [table.actionId, table.partition] }),
    check('replay_ranges_range', sql`next_offset between from_offset and to_offset`),
  ],
)

/**
 * Facts and versions whose personal values were overwritten, by where they came from: the log still says what they no longer say.
 * Only the owner writes it, by audit.forget. A row outlives its fact: it says nothing about anybody.
 */
export const forgotten = audit.table(
  'forgotten',
  {
    stream: text('stream').notNull(),
    sourcePartition: integer('source_partition').notNull(),
    incarnation: integer('incarnation').notNull(),
    sourceOffset: offsetColumn('source_offset').notNull(),
    /** Of the row: those that were overwritten; of lines the one that has their number. */
    columns: text('columns').array().notNull(),
    /** Who, when and why; of several times the first. */
    actionId: bigint('action_id', { mode: 'number' })
      .notNull()
      .references(() => operatorActions.id),
  },
  (table) => [
    primaryKey({
      name: 'forgotten_pkey',
      columns: [table.stream, table.sourcePartition, table.incarnation, table.sourceOffset],
    }),
    index('forgotten_action').on(table.actionId),
  ],
)

/** Who is there: each worker keeps a row for each stream that it runs. One that was not seen for a while is gone. */
export const workers = audit.table(
  'workers',
  {
    name: text('name').notNull(),
    stream: text('stream').notNull(),
    startedAt: instant('started_at').notNull().defaultNow(),
    seenAt: instant('seen_at').notNull().defaultNow(),
    schedule: text('schedule').notNull(),
    nextTickAt: instant('next_tick_at'),
    partitions: integer('partitions').array().notNull(),
    /** Why it can't load the stream now; null where it can. */
    problem: text('problem'),
    /** Milliseconds: the longest time lately for which one record kept it from all else; 0 below 50. */
    longestStepMs: doublePrecision('longest_step_ms').notNull().default(0),
    /** Hash of the contract that it holds records against. */
    contractHash: text('contract_hash').notNull(),
  },
  (table) => [primaryKey({ name: 'workers_pkey', columns: [table.name, table.stream] })],
)

/** Critical is for now, a warning for the working day. */
export const ALERT_SEVERITIES = ['critical', 'warning'] as const
export const ALERT_EVENTS = ['started', 'ended'] as const

/** What was wrong, from when to when. One open row for each rule, stream and scope, however many workers look. */
export const alerts = audit.table(
  'alerts',
  {
    id: identity().primaryKey(),
    rule: text('rule').notNull(),
    /** '' where it is about all of them. */
    stream: text('stream').notNull(),
    /** What it is about where a rule can fire for several things: `partition 0`; else empty. */
    scope: text('scope').notNull().default(''),
    severity: text('severity', { enum: ALERT_SEVERITIES }).notNull(),
    summary: text('summary').notNull(),
    firstAction: text('first_action').notNull(),
    startedAt: instant('started_at').notNull().defaultNow(),
    endedAt: instant('ended_at'),
  },
  (table) => [
    uniqueIndex('alerts_open')
      .on(table.rule, table.stream, table.scope)
      .where(sql`ended_at is null`),
    index('alerts_started').on(table.startedAt),
  ],
)

/** The outbox of alerts: one row for each event and channel, sent once. */
export const alertNotifications = audit.table(
  'alert_notifications',
  {
    alertId: bigint('alert_id', { mode: 'number' })
      .notNull()
      .references(() => alerts.id),
    event: text('event', { enum: ALERT_EVENTS }).notNull(),
    channel: text('channel').notNull(),
    createdAt: instant('created_at').notNull().defaultNow(),
    attempts: integer('attempts').notNull().default(0),
    nextAttemptAt: instant('next_attempt_at').notNull().defaultNow(),
    sentAt: instant('sent_at'),
    /** Given up after too many attempts. */
    gaveUpAt: instant('gave_up_at'),
    lastError: text('last_error'),
  },
  (table) => [
    primaryKey({
      name: 'alert_notifications_pkey',
      columns: [table.alertId, table.event, table.channel],
    }),
    index('alert_notifications_waiting')
      .on(table.nextAttemptAt)
      .where(sql`sent_at is null and gave_up_at is null`),
    check('alert_notifications_event', oneOf('event', ALERT_EVENTS)),
  ],
)

export const OPERATOR_ROLES = ['operator', 'viewer'] as const

/** Who is logged in to the console; here, because any worker may serve the next page. */
export const consoleSessions = audit.table(
  'console_sessions',
  {
    /** SHA-256 of the cookie: who reads this table can't become anybody. */
    tokenHash: bytea('token_hash').primaryKey(),
    name: text('name').notNull(),
    role: text('role', { enum: OPERATOR_ROLES }).notNull(),
    csrfToken: text('csrf_token').notNull(),
    createdAt: instant('created_at').notNull().defaultNow(),
    seenAt: instant('seen_at').notNull().defaultNow(),
  },
  (table) => [
    index('console_sessions_seen').on(table.seenAt),
    check('console_sessions_role', oneOf('role', OPERATOR_ROLES)),
  ],
)

/**
 * What the pruned beginning of a partition's ledger added up to: the rest of it tiles from `to_offset` on.
 */
export const openingBalances = audit.table(
  'opening_balances',
  {
    topic: text('topic').notNull(),
    partition: integer('partition').notNull(),
    incarnation: integer('incarnation').notNull(),
    fromOffset: offsetColumn('from_offset').notNull(),
    toOffset: offsetColumn('to_offset').notNull(),
    batches: count('batches'),
    consumed: count('consumed'),
    loaded: count('loaded'),
    duplicate: count('duplicate'),
    skipped: count('skipped'),
    deadLettered: count('dead_lettered'),
    /** Of the loaded ones, those whose facts were dropped for their age. */
    dropped: count('dropped'),
    /** Of the dead letters, those that were resolved and are pruned. */
    deadLettersPruned: count('dead_letters_pruned'),
    updatedAt: instant('updated_at').notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ name: 'opening_balances_pkey', columns: [table.topic, table.partition, table.incarnation] }),
    check('opening_balances_balance', sql`consumed = loaded + duplicate + skipped + dead_lettered`),
    check('opening_balances_range', sql`from_offset < to_offset`),
  ],
)
