import type { ClientBase, Pool } from 'pg'
import { isKafkaOutage } from '../kafka/errors.ts'
import { storedMessage, type Logger } from '../process/log.ts'
import { repeatedly, type Repetition } from '../process/repeat.ts'
import { remedyFor, type Remedy } from '../postgres/errors.ts'
import { and, eq, inArray, sql } from '../postgres/drizzle.ts'
import { on, prepared } from '../postgres/query.ts'
import { operatorActions } from '../schema/operations.ts'
import { ACTION, type Action, type ActionName } from './actions.ts'

/** A background action in the hands of this worker. */
export interface Job {
  readonly action: Action
  /** The corrected value of a redrive. */
  readonly payload: Buffer | null
  /**
   * Aborted when an operator stops it, when everything is paused, when this worker ends, or when another
   * worker took it over. To be looked at between steps: `signal.throwIfAborted()`.
   */
  readonly signal: AbortSignal
  /**
   * Writes down how far it came, in the transaction of the step itself, so that progress and work are
   * either both there or not.
   *
   * @throws JobLost where another worker took the job over: the step is to be rolled back.
   */
  saveProgress(client: ClientBase, progress: JobProgress): Promise<void>
}

export interface JobProgress {
  readonly done: number
  /** Where to go on after a stop or a crash. */
  readonly position: number
  /** What came of it so far: shown while it runs, and gone on from. */
  readonly result: Result
}

type Result = Readonly<Record<string, unknown>>

/** Does the action from where it was, in steps, and returns what came of it, for the operator. */
export type Executor = (job: Job) => Promise<Result>

/** This worker was silent for so long that another one took its job. */
export class JobLost extends Error {
  override readonly name = 'JobLost'
}

export interface BackgroundOptions {
  readonly pool: Pool
  readonly worker: string
  readonly logger: Logger
  readonly isPaused: () => boolean
  /** Whose actions it takes. */
  readonly stream: string
  /** What this lane does. Actions of one lane wait for each other; those of another don't. */
  readonly executors: Partial<Record<ActionName, Executor>>
}

const LOOK_EVERY_MS = 1_000
const HEARTBEAT_MS = 2_000
/** A job whose worker was silent for so long is taken over. */
const SILENT_SECONDS = 60
/** What went wrong on the way and may go by: the job waits and goes on where it was. */
const MAY_GO_BY: ReadonlySet<Remedy> = new Set(['retry', 'reconnect', 'wait'])

/** Takes the actions that wait in the warehouse, one at a time, oldest first, until it is stopped. */
export function startBackground(options: BackgroundOptions): Repetition {
  /** One whose end could not be written down: the warehouse was away. */
  let dropped: number | undefined
  const claim = claimer(options)
  return repeatedly('the background work', LOOK_EVERY_MS, options.logger, async (stopping) => {
    while (!stopping.aborted && !options.isPaused()) {
      const claimed = await claim(dropped)
      dropped = claimed?.id
      if (claimed === undefined) return
      await work(options, claimed, stopping)
      dropped = undefined
    }
  })
}

type Claimed = Action & { payload: Buffer | null }

/**
 * One worker gets a job: the row lock (SKIP LOCKED: a rival takes the next one) holds until the row names
 * its worker. One that was silent is taken over; should it wake up, its next saveProgress finds another
 * name in the row and rolls its step back.
 *
 * @returns a function that takes one; where one of our own was dropped it is taken up again without that wait.
 */
function claimer({ pool, worker, stream, executors }: BackgroundOptions) {
  const { id, action, status, worker: holder, heartbeatAt } = operatorActions
  const names = Object.keys(executors) as ActionName[]
  const statement = prepared(
    pool,
    { ...ACTION, payload: operatorActions.payload },
    (columns) => sql`
      update ${operatorActions}
      set status = case when ${status} = 'stopping' then 'stopping' else 'running' end, worker = ${worker}, heartbeat_at = now()
      where ${id} = (
        select ${id} from ${operatorActions}
        where ${inArray(action, names)} and ${eq(operatorActions.stream, stream)} and (
          ${status} = 'pending'
          or ${status} in ('running', 'stopping')
             and (${heartbeatAt} < now() - make_interval(secs => ${SILENT_SECONDS}) or ${id} = ${sql.placeholder('dropped')}::int8 and ${holder} = ${worker}))
        order by ${id} limit 1 for update skip locked)
      returning ${columns}`,
  )
  return async (dropped: number | undefined): Promise<Claimed | undefined> => {
    const [claimed] = await statement({ dropped: dropped ?? null })
    return claimed
  }
}

/** That the action is still in this worker's hands. */
export const isHeldBy = (worker: string, { id }: Pick<Action, 'id'>) =>
  and(eq(ACTION.id, id), eq(ACTION.worker, worker), inArray(ACTION.status, ['running', 'stopping']))

async function work(options: BackgroundOptions, claimed: Claimed, stopping: AbortSignal): Promise<void> {
  const { pool, worker, executors } = options
  const { payload, ...action } = claimed
  const logger = options.logger.child({ action_id: action.id, action: action.action })
  const ending = new AbortController()
  const heartbeat = setInterval(() => void beat(), HEARTBEAT_MS)
  const stop = () => ending.abort('stopping')
  stopping.addEventListener('abort', stop, { once: true })
  logger.info({ target: action.target, by: action.requestedBy }, 'background action begins')
  try {
    if (action.status === 'stopping') ending.abort('stopped')
    const result = await executors[action.action]!({
      action,
      payload,
      signal: ending.signal,
      saveProgress: async (client, { done, position, result: soFar }) => {
        const { rowCount } = await on(client)
          .update(operatorActions)
          .set({ done, position, result: soFar, heartbeatAt: sql`now()` })
          .where(isHeldBy(worker, action))
        if (rowCount !== 1) throw new JobLost(`another worker took action ${action.id} over`)
      },
    })
    await settle('succeeded', { result })
    logger.info({ result }, 'background action done')
  } catch (error) {
    if (ending.signal.aborted) {
      logger.info({ reason: ending.signal.reason as string }, 'background action interrupted')
      if (ending.signal.reason !== 'lost')
        await settle(ending.signal.reason === 'stopped' ? 'stopped' : 'pending')
    } else if (!(error instanceof JobLost)) {
      const goesOn = isKafkaOutage(error) || MAY_GO_BY.has(remedyFor(error))
      logger[goesOn ? 'warn' : 'error']({ err: error }, 'background action failed')
      const message = storedMessage(error)
      await settle(goesOn ? 'pending' : 'failed', { error: message })
      if (goesOn) throw error // the pause before the next try
    }
  } finally {
    clearInterval(heartbeat)
    stopping.removeEventListener('abort', stop)
  }

  /** Says that the worker is alive, and hears whether the job is to end. */
  async function beat(): Promise<void> {
    if (options.isPaused()) return ending.abort('paused')
    try {
      const [row] = await on(pool)
        .update(operatorActions)
        .set({ heartbeatAt: sql`now()` })
        .where(and(eq(ACTION.id, action.id), eq(ACTION.worker, worker)))
        .returning({ status: ACTION.status })
      if (row === undefined) ending.abort('lost')
      else if (row.status === 'stopping') ending.abort('stopped')
    } catch {
      // The step itself finds out what is wrong with the warehouse.
    }
  }

  async function settle(
    status: 'succeeded' | 'failed' | 'stopped' | 'pending',
    { result, error }: { result?: Result; error?: string } = {},
  ): Promise<void> {
    const goesOn = status === 'pending'
    const unlessStopping = sql`case when ${ACTION.status} = 'stopping' then 'stopped' else 'pending' end`
    await on(pool)
      .update(operatorActions)
      .set({
        status: goesOn ? unlessStopping : status,
        finishedAt: goesOn ? null : sql`now()`,
        error,
        result,
      })
      .where(isHeldBy(worker, action))
  }
}
