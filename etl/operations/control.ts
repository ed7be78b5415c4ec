import type { Pool } from 'pg'
import type { Logger } from '../process/log.ts'
import { repeatedly, type Repetition } from '../process/repeat.ts'

/** The switch and the bell, as the warehouse has them. */
export interface Control {
  readonly pausedAt: Date | null
  readonly pausedBy: string | null
  readonly pauseReason: string | null
  readonly runRequests: number
}

export async function readControl(pool: Pool): Promise<Control> {
  const { rows } = await pool.query<Control>({
    name: 'read-control',
    text: `select paused_at as "pausedAt", paused_by as "pausedBy", pause_reason as "pauseReason", run_requests as "runRequests"
           from audit.control`,
  })
  return rows[0]!
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
  on: { readonly run: () => void; readonly pause: () => void; readonly resume: () => void },
): Promise<ControlWatch> {
  let seen = await readControl(pool)
  if (seen.pausedAt !== null)
    logger.warn({ by: seen.pausedBy }, 'paused: nothing runs until an operator resumes')
  const watch = repeatedly('reading the control row', LOOK_EVERY_MS, logger, async () => {
    const now = await readControl(pool)
    const before = seen
    seen = now
    if (before.pausedAt === null && now.pausedAt !== null) {
      logger.warn({ by: now.pausedBy, reason: now.pauseReason }, 'paused')
      on.pause()
    }
    if (before.pausedAt !== null && now.pausedAt === null) {
      logger.info('resumed')
      on.resume()
    }
    if (now.runRequests > before.runRequests && now.pausedAt === null) on.run()
  })
  return { isPaused: () => seen.pausedAt !== null, stop: () => watch.stop() }
}
