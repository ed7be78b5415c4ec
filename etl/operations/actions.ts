import type { ClientBase, Pool } from 'pg'
import { commit, inTransaction } from '../postgres/transaction.ts'
import type { ACTION_STATUSES, ACTIONS, OPERATED_VIA } from '../schema/operations.ts'

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

/** One row of what operators did. Times are UTC. */
export interface Action {
  readonly id: number
  readonly action: ActionName
  readonly target: Readonly<Record<string, unknown>>
  readonly reason: string | null
  readonly requestedBy: string
  readonly via: Operator['via']
  readonly requestedAt: Date
  readonly status: ActionStatus
  /** Records to go through as counted at first; null where that has no meaning. */
  readonly total: number | null
  readonly done: number
  readonly position: number
  readonly result: Readonly<Record<string, unknown>> | null
  readonly error: string | null
  readonly runId: number | null
  readonly worker: string | null
  readonly finishedAt: Date | null
}

export const ACTION_COLUMNS = `id, action, target, reason, requested_by as "requestedBy", via, requested_at as "requestedAt", status,
  total, done, position, result, error, run_id as "runId", worker, finished_at as "finishedAt"`

export interface NewAction {
  readonly action: ActionName
  readonly target: Readonly<Record<string, unknown>>
  readonly reason?: string | undefined
  /** `succeeded` for what was done in this very transaction, `pending` for what a worker is to take. */
  readonly status: 'pending' | 'succeeded'
  readonly total?: number | undefined
  readonly payload?: Buffer | undefined
}

/** Writes down what an operator did, in the transaction that does it. */
export async function recordAction(client: ClientBase, by: Operator, what: NewAction): Promise<Action> {
  const { rows } = await client.query<Action>(
    `insert into audit.operator_actions (action, target, reason, requested_by, via, status, total, payload, finished_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, case when $6 = 'succeeded' then now() end)
     returning ${ACTION_COLUMNS}`,
    [
      what.action,
      JSON.stringify(what.target),
      what.reason ?? null,
      by.name,
      by.via,
      what.status,
      what.total ?? null,
      what.payload ?? null,
    ],
  )
  return rows[0]!
}

export async function readAction(pool: Pool | ClientBase, id: number): Promise<Action> {
  const { rows } = await pool.query<Action>(
    `select ${ACTION_COLUMNS} from audit.operator_actions where id = $1`,
    [id],
  )
  if (rows[0] === undefined) throw new NotFound(`There is no action ${id}.`)
  return rows[0]
}

/** Newest first; `before` pages on from an id. */
export async function readActions(pool: Pool, limit: number, before?: number): Promise<Action[]> {
  const { rows } = await pool.query<Action>(
    `select ${ACTION_COLUMNS} from audit.operator_actions where $2::int8 is null or id < $2 order by id desc limit $1`,
    [limit, before ?? null],
  )
  return rows
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
    const { rows } = await client.query<Action>(
      `update audit.operator_actions
       set status = case when status = 'pending' then 'stopped' else 'stopping' end,
           finished_at = case when status = 'pending' then now() end
       where id = $1 and status in ('pending', 'running') returning ${ACTION_COLUMNS}`,
      [id],
    )
    if (rows[0] === undefined) {
      const action = await readAction(client, id)
      throw new ActionRefused(`Action ${id} ${STATES[action.status]}: there is nothing to stop.`)
    }
    await recordAction(client, by, { action: 'stop_action', target: { action: id }, status: 'succeeded' })
    return commit(rows[0])
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
    if (action.action === 'replay' && action.status !== 'running') await requireNoOtherReplay(client)
    const { rows } = await client.query<Action>(
      `update audit.operator_actions set status = 'pending', error = null, finished_at = null
       where id = $1 and status in ('stopped', 'failed') returning ${ACTION_COLUMNS}`,
      [id],
    )
    if (rows[0] === undefined)
      throw new ActionRefused(`Action ${id} ${STATES[action.status]}: there is nothing to continue.`)
    await recordAction(client, by, { action: 'continue_action', target: { action: id }, status: 'succeeded' })
    return commit(rows[0])
  })
}

/**
 * One replay at a time. The lock lasts until the transaction ends, so that of two that are asked for at once
 * the second sees the first.
 *
 * @throws ActionRefused that names the other.
 */
export async function requireNoOtherReplay(client: ClientBase): Promise<void> {
  await client.query(`select pg_advisory_xact_lock(hashtext('pulse: replay'))`)
  const { rows } = await client.query<{ id: number }>(
    `select id from audit.operator_actions where action = 'replay' and status in ('pending', 'running', 'stopping') limit 1`,
  )
  const [other] = rows
  if (other !== undefined)
    throw new ActionRefused(
      `Replay ${other.id} is not finished. Wait for it, or stop it: pulse actions stop ${other.id}`,
    )
}
