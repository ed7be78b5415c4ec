import type { Pool } from 'pg'
import type { Logger } from '../process/log.ts'
import { isNotNull, isNull, sql } from '../postgres/drizzle.ts'
import { columnsOf, on, type Row } from '../postgres/query.ts'
import { control } from '../schema/operations.ts'
import { ActionRefused, actAtOnce, type Action, type Operator } from './actions.ts'
import { repeatedly, type Repetition } from '../process/repeat.ts'

const CONTROL = columnsOf(control, 'pausedAt', 'pausedBy', 'pauseReason', 'runRequests')

/** The switch and the bell, as the warehouse has them. */
export type Control = Row<typeof CONTROL>

export const readControl = (pool: Pool): Promise<Control> => controlReader(pool)()

/** Reads the row again and again; the statement is made once. */
function controlReader(pool: Pool): () => Promise<Control> {
  const statement = on(pool).select(CONTROL).from(control).prepare('read-control')
  return async () => {
    const [row] = await statement.execute()
    return row!
  }
}

const ONE_MORE = sql`${control.runRequests} + 1`

/** Stops all workers, at their next batch: ticks, replays, redrives, housekeeping. @throws ActionRefused. */
export function pause(pool: Pool, by: Operator, reason: string): Promise<Action> {
  return actAtOnce(pool, by, { action: 'pause', target: {}, reason }, async (client) => {
    const { rowCount } = await on(client)
      .update(control)
      .set({ pausedAt: sql`now()`, pausedBy: by.name, pauseReason: reason })
      .where(isNull(control.pausedAt))
    if (rowCount === 0) throw new ActionRefused('It is paused already.')
  })
}

/** Lets all workers go on; what fell due meanwhile is run at once. @throws ActionRefused. */
export function resume(pool: Pool, by: Operator): Promise<Action> {
  return actAtOnce(pool, by, { action: 'resume', target: {} }, async (client) => {
    const { rowCount } = await on(client)
      .update(control)
      .set({ pausedAt: null, pausedBy: null, pauseReason: null, runRequests: ONE_MORE })
      .where(isNotNull(control.pausedAt))
    if (rowCount === 0) throw new ActionRefused('It is not paused.')
  })
}

/** Rings the bell: each worker runs now, or right after the run that is under way. @throws ActionRefused. */
export function requestRun(pool: Pool, by: Operator): Promise<Action> {
  return actAtOnce(pool, by, { action: 'run_now', target: {} }, async (client) => {
    const { rowCount } = await on(client)
      .update(control)
      .set({ runRequests: ONE_MORE })
      .where(isNull(control.pausedAt))
    if (rowCount === 0) throw new ActionRefused('It is paused: resume it, which runs at once.')
  })
}

/** How long a switch takes to reach a worker, at most; and what it costs: one look-up of one row. */
const LOOK_EVERY_MS = 1_000

export interface ControlWatch extends Repetition {
  /** Whether work may go on, as last seen. A warehouse out of reach changes nothing: nothing can be loaded then. */
  isPaused(): boolean
}

/**
 * Keeps a worker's eye on the control row. A look each second, rather than LISTEN: it survives a
 * connection pooler, a failover and a lost connection without any code of its own.
 *
 * @param onRun called when somebody asked for a run since the last look.
 */
export async function watchControl(
  pool: Pool,
  logger: Logger,
  tell: { readonly run: () => void; readonly pause: () => void; readonly resume: () => void },
): Promise<ControlWatch> {
  const look = controlReader(pool)
  let seen = await look()
  if (seen.pausedAt !== null)
    logger.warn({ by: seen.pausedBy }, 'paused: nothing runs until an operator resumes')
  const watch = repeatedly('reading the control row', LOOK_EVERY_MS, logger, async () => {
    const now = await look()
    const before = seen
    seen = now
    if (before.pausedAt === null && now.pausedAt !== null) {
      logger.warn({ by: now.pausedBy, reason: now.pauseReason }, 'paused')
      tell.pause()
    }
    if (before.pausedAt !== null && now.pausedAt === null) {
      logger.info('resumed')
      tell.resume()
    }
    if (now.runRequests > before.runRequests && now.pausedAt === null) tell.run()
  })
  return { isPaused: () => seen.pausedAt !== null, stop: () => watch.stop() }
}
