import type { ClientBase, Pool } from 'pg'
import { and, desc, eq, getTableColumns, inArray, isNull, lt, or, sql } from '../postgres/drizzle.ts'
import { on, type Client, type Row } from '../postgres/query.ts'
import { commit, inTransaction } from '../postgres/transaction.ts'
import {
  operatorActions,
  type ACTION_STATUSES,
  type ACTIONS,
  type OPERATED_VIA,
} from '../schema/operations.ts'

export type ActionName = (typeof ACTIONS)[number]
export type ActionStatus = (typeof ACTION_STATUSES)[number]

/** Who acts, and from where. In the console and over the API the name is what they logged in with. */
export interface Operator {
  readonly name: string
  readonly via: (typeof OPERATED_VIA)[number]
}

/** What was asked for makes no sense now; the sentence says why and what to do instead. Nothing was changed. */
export class ActionRefused extends Error {
  override readonly name = 'ActionRefused'
}

/** What was asked for is not there. */
export class NotFound extends Error {
  override readonly name = 'NotFound'
}

const { payload: _payload, heartbeatAt: _heartbeatAt, ...columns } = getTableColumns(operatorActions)
/** An action's columns: all but what is for the worker that takes it. */
export const ACTION = columns

/** One row of what operators did: see the table. Times are UTC. */
export type Action = Row<typeof ACTION>

/** That it waits for a worker, runs, or is about to stop. */
export const UNFINISHED = inArray(ACTION.status, ['pending', 'running', 'stopping'])

export interface NewAction {
  readonly action: ActionName
  /** Null where it is about all of them. */
  readonly stream: string | null
  readonly target: Readonly<Record<string, unknown>>
  readonly reason?: string | undefined
  /** `succeeded` for what was done in this very transaction, `pending` for what a worker is to take. */
  readonly status: 'pending' | 'succeeded'
  readonly total?: number | undefined
  readonly payload?: Buffer | undefined
}

/** Writes down what an operator did, in the transaction that does it. */
export async function recordAction(client: ClientBase, by: Operator, what: NewAction): Promise<Action> {
  const [action] = await on(client)
    .insert(operatorActions)
    .values({
      ...what,
      requestedBy: by.name,
      via: by.via,
      finishedAt: what.status === 'succeeded' ? sql`now()` : null,
    })
    .returning(ACTION)
  return action!
}

/** Does something at once, and writes it down in the same transaction: both are there, or neither. */
export function actAtOnce(
  pool: Pool,
  by: Operator,
  what: Omit<NewAction, 'status'>,
  work: (client: ClientBase) => Promise<void>,
): Promise<Action> {
  return inTransaction(pool, async (client) => {
    await work(client)
    return commit(await recordAction(client, by, { ...what, status: 'succeeded' }))
  })
}

/** @throws NotFound. */
export async function readAction(client: Client, id: number): Promise<Action> {
  const [action] = await on(client).select(ACTION).from(operatorActions).where(eq(ACTION.id, id))
  if (action === undefined) throw new NotFound(`There is no action ${id}.`)
  return action
}

/** That it is about this stream, or about all. */
export const isAbout = (stream: string) => or(eq(ACTION.stream, stream), isNull(ACTION.stream))

/**
 * Newest first; `before` pages on from an id.
 *
 * @param stream those about it, or about all streams.
 */
export function readActions(pool: Pool, stream: string, limit: number, before?: number): Promise<Action[]> {
  return on(pool)
    .select(ACTION)
    .from(operatorActions)
    .where(and(isAbout(stream), before === undefined ? undefined : lt(ACTION.id, before)))
    .orderBy(desc(ACTION.id))
    .limit(limit)
}

const STATES: Readonly<Record<ActionStatus, string>> = {
  pending: 'is waiting for a worker',
  running: 'is running',
  stopping: 'is stopping',
  stopped: 'is stopped',
  succeeded: 'has succeeded',
  failed: 'has failed',
}

/**
 * Stops what goes on in the background. What waits is stopped at once, what runs at its next step; either
 * can be continued.
 *
 * @throws NotFound, ActionRefused where it is over.
 */
export function stopAction(pool: Pool, by: Operator, id: number): Promise<Action> {
  return inTransaction(pool, async (client) => {
    const [stopped] = await on(client)
      .update(operatorActions)
      .set({
        status: sql`case when ${ACTION.status} = 'pending' then 'stopped' else 'stopping' end`,
        finishedAt: sql`case when ${ACTION.status} = 'pending' then now() end`,
      })
      .where(and(eq(ACTION.id, id), inArray(ACTION.status, ['pending', 'running'])))
      .returning(ACTION)
    if (stopped === undefined) {
      const action = await readAction(client, id)
      throw new ActionRefused(`Action ${id} ${STATES[action.status]}: there is nothing to stop.`)
    }
    const { stream } = stopped
    const target = { action: id }
    await recordAction(client, by, { action: 'stop_action', stream, target, status: 'succeeded' })
    return commit(stopped)
  })
}

/**
 * Lets a stopped or failed background action go on where it was.
 *
 * @throws NotFound, ActionRefused where it is not stopped, or where another replay is not finished.
 */
export function continueAction(pool: Pool, by: Operator, id: number): Promise<Action> {
  return inTransaction(pool, async (client) => {
    const action = await readAction(client, id)
    if (action.action === 'redrive') await lockForgetting(client)
    if (action.action === 'replay' && action.status !== 'running')
      await requireNoOtherReplay(client, action.stream!)
    const [goesOn] = await on(client)
      .update(operatorActions)
      .set({ status: 'pending', error: null, finishedAt: null })
      .where(and(eq(ACTION.id, id), inArray(ACTION.status, ['stopped', 'failed'])))
      .returning(ACTION)
    if (goesOn === undefined)
      throw new ActionRefused(`Action ${id} ${STATES[action.status]}: there is nothing to continue.`)
    const { stream } = goesOn
    const target = { action: id }
    await recordAction(client, by, { action: 'continue_action', stream, target, status: 'succeeded' })
    return commit(goesOn)
  })
}

/**
 * Keeps redrives from beginning while records are forgotten, and the other way round, until the transaction ends: a redrive
 * reads bytes and sends them without a lock, so it must have been asked for after they were overwritten.
 */
export async function lockForgetting(client: ClientBase): Promise<void> {
  await client.query(`select pg_advisory_xact_lock(hashtext('pulse: forget'))`)
}

/**
 * One replay of a stream at a time. The lock lasts until the transaction ends, so that of two that are asked for at
 * once the second sees the first.
 *
 * @throws ActionRefused that names the other.
 */
export async function requireNoOtherReplay(client: ClientBase, stream: string): Promise<void> {
  await client.query(`select pg_advisory_xact_lock(hashtext('pulse: replay'))`)
  const [other] = await on(client)
    .select({ id: ACTION.id })
    .from(operatorActions)
    .where(and(eq(ACTION.action, 'replay'), eq(ACTION.stream, stream), UNFINISHED))
    .limit(1)
  if (other !== undefined)
    throw new ActionRefused(
      `Replay ${other.id} is not finished. Wait for it, or stop it: pulse actions stop ${other.id}`,
    )
}
