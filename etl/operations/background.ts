import type { ClientBase, Pool } from 'pg'
import { isKafkaOutage } from '../kafka/errors.ts'
import { storedMessage, type Logger } from '../process/log.ts'
import { repeatedly, type Repetition } from '../process/repeat.ts'
import { remedyFor, type Remedy } from '../postgres/errors.ts'
import { ACTION_COLUMNS, type Action, type ActionName } from './actions.ts'

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
  return repeatedly('the background work', LOOK_EVERY_MS, options.logger, async (stopping) => {
    while (!stopping.aborted && !options.isPaused()) {
      const claimed = await claim(options, dropped)
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
 * @param dropped one of our own, taken up again without that wait.
 */
async function claim(
  { pool, worker, executors }: BackgroundOptions,
  dropped: number | undefined,
): Promise<Claimed | undefined> {
  const { rows } = await pool.query<Claimed>(
    `update audit.operator_actions
     set status = case when status = 'stopping' then 'stopping' else 'running' end, worker = $1, heartbeat_at = now()
     where id = (
       select id from audit.operator_actions
       where action = any($2) and (
         status = 'pending'
         or status in ('running', 'stopping')
            and (heartbeat_at < now() - make_interval(secs => $3) or id = $4 and worker = $1))
       order by id limit 1 for update skip locked)
     returning ${ACTION_COLUMNS}, payload`,
    [worker, Object.keys(executors), SILENT_SECONDS, dropped ?? null],
  )
  return rows[0]
}

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
        const { rowCount } = await client.query(
          `update audit.operator_actions set done = $3, position = $4, result = $5, heartbeat_at = now()
           where id = $1 and worker = $2 and status in ('running', 'stopping')`,
          [action.id, worker, done, position, JSON.stringify(soFar)],
        )
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
      const { rows } = await pool.query<{ status: string }>(
        `update audit.operator_actions set heartbeat_at = now() where id = $1 and worker = $2 returning status`,
        [action.id, worker],
      )
      if (rows[0] === undefined) ending.abort('lost')
      else if (rows[0].status === 'stopping') ending.abort('stopped')
    } catch {
      // The step itself finds out what is wrong with the warehouse.
    }
  }

  async function settle(
    status: 'succeeded' | 'failed' | 'stopped' | 'pending',
    { result, error }: { result?: unknown; error?: string } = {},
  ): Promise<void> {
    await pool.query(
      `update audit.operator_actions
       set status = case when $3 = 'pending' and status = 'stopping' then 'stopped' else $3 end, error = $4,
           result = coalesce($5::jsonb, result), finished_at = case when $3 = 'pending' then null else now() end
       where id = $1 and worker = $2 and status in ('running', 'stopping')`,
      [action.id, worker, status, error ?? null, result === undefined ? null : JSON.stringify(result)],
    )
  }
}
