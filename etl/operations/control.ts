import type { Pool } from 'pg'
import type { Logger } from '../process/log.ts'
import { and, eq, inArray, isNotNull, isNull, sql } from '../postgres/drizzle.ts'
import { columnsOf, on, type Row } from '../postgres/query.ts'
import { control } from '../schema/operations.ts'
import { ActionRefused, actAtOnce, type Action, type Operator } from './actions.ts'
import { repeatedly, type Repetition } from '../process/repeat.ts'

const CONTROL = columnsOf(control, 'stream', 'pausedAt', 'pausedBy', 'pauseReason', 'runRequests')
type ControlRow = Row<typeof CONTROL>

/** The row that is about all streams. */
const ALL = ''

/** The switch and the bell as they are for a stream: its own, or those of all. */
export interface Control {
  readonly pausedAt: Date | null
  readonly pausedBy: string | null
  readonly pauseReason: string | null
  /** Whether it is all streams that are paused. */
  readonly isOfAll: boolean
  readonly runRequests: number
}

/** @throws Error where the warehouse doesn't know the stream. */
export async function readControl(pool: Pool, stream: string): Promise<Control> {
  return inForce(await on(pool).select(CONTROL).from(control), stream)
}

function inForce(rows: readonly ControlRow[], stream: string): Control {
  const [ofAll, own] = [ALL, stream].map((name) => rows.find((row) => row.stream === name))
  if (ofAll === undefined || own === undefined)
    throw new Error(`the warehouse has no switch for the stream ${stream}: run npm run migrate`)
  const isOfAll = ofAll.pausedAt !== null
  const { pausedAt, pausedBy, pauseReason } = isOfAll ? ofAll : own
  return { pausedAt, pausedBy, pauseReason, isOfAll, runRequests: ofAll.runRequests + own.runRequests }
}

const ONE_MORE = sql`${control.runRequests} + 1`
const rowOf = (stream: string | null) => eq(control.stream, stream ?? ALL)
const named = (stream: string | null) => (stream === null ? 'It' : `The stream ${stream}`)

/**
 * Stops a stream in all workers, or all streams (null), at their next batch: ticks, replays, redrives, housekeeping.
 *
 * @throws ActionRefused.
 */
export function pause(pool: Pool, by: Operator, stream: string | null, reason: string): Promise<Action> {
  return actAtOnce(pool, by, { action: 'pause', stream, target: {}, reason }, async (client) => {
    const { rowCount } = await on(client)
      .update(control)
      .set({ pausedAt: sql`now()`, pausedBy: by.name, pauseReason: reason })
      .where(and(rowOf(stream), isNull(control.pausedAt)))
    if (rowCount === 0) throw new ActionRefused(`${named(stream)} is paused already.`)
  })
}

/**
 * Lets a stream, or all (null), go on; what fell due meanwhile is run at once. A stream that was paused by itself
 * stays so when all go on.
 *
 * @throws ActionRefused.
 */
export function resume(pool: Pool, by: Operator, stream: string | null): Promise<Action> {
  return actAtOnce(pool, by, { action: 'resume', stream, target: {} }, async (client) => {
    const { rowCount } = await on(client)
      .update(control)
      .set({ pausedAt: null, pausedBy: null, pauseReason: null, runRequests: ONE_MORE })
      .where(and(rowOf(stream), isNotNull(control.pausedAt)))
    if (rowCount !== 0) return
    const [other] = await on(client)
      .select({ stream: control.stream })
      .from(control)
      .where(isNotNull(control.pausedAt))
      .orderBy(control.stream)
      .limit(1)
    if (other === undefined) throw new ActionRefused(`${named(stream)} is not paused.`)
    throw new ActionRefused(
      other.stream === ALL
        ? `${named(stream)} is not paused by itself, all streams are: pulse resume`
        : `${named(stream)} is not paused; the stream ${other.stream} is: pulse resume --stream ${other.stream}`,
    )
  })
}

/**
 * Rings the bell: each worker runs the stream, or all (null), now, or right after the run that is under way.
 *
 * @throws ActionRefused.
 */
export function requestRun(pool: Pool, by: Operator, stream: string | null): Promise<Action> {
  return actAtOnce(pool, by, { action: 'run_now', stream, target: {} }, async (client) => {
    // Locked, so that a pause comes before or after it as a whole.
    const rows = await on(client)
      .select({ stream: control.stream, pausedAt: control.pausedAt })
      .from(control)
      .where(inArray(control.stream, [ALL, stream ?? ALL]))
      .orderBy(control.stream)
      .for('update')
    const paused = rows.find(({ pausedAt }) => pausedAt !== null)
    if (paused !== undefined)
      throw new ActionRefused(
        `${named(paused.stream === ALL ? null : stream)} is paused: resume it, which runs at once.`,
      )
    await on(client).update(control).set({ runRequests: ONE_MORE }).where(rowOf(stream))
  })
}

/** How long a switch takes to reach a worker, at most; and what it costs: one look at a row for each stream. */
const LOOK_EVERY_MS = 1_000

/** What a worker does when the switch of a stream is turned, or its bell rung. */
export interface Steered {
  readonly logger: Logger
  readonly run: () => void
  readonly pause: () => void
  readonly resume: () => void
}

export interface ControlWatch extends Repetition {
  /**
   * From now on tells of this stream.
   *
   * @returns whether its work may go on, as last seen. A warehouse out of reach changes nothing: nothing can be loaded then.
   */
  steer(stream: string, tell: Steered): () => boolean
}

/**
 * Keeps a worker's eye on the switches. A look each second, rather than LISTEN: it survives a connection pooler, a
 * failover and a lost connection without any code of its own.
 */
export async function watchControl(pool: Pool, logger: Logger): Promise<ControlWatch> {
  const look = on(pool).select(CONTROL).from(control).prepare('read-control')
  let rows = await look.execute()
  const steered = new Map<string, { seen: Control; readonly tell: Steered }>()
  const watch = repeatedly('reading the switches', LOOK_EVERY_MS, logger, async () => {
    rows = await look.execute()
    for (const [stream, one] of steered) {
      const before = one.seen
      const now = (one.seen = inForce(rows, stream))
      if (before.pausedAt === null && now.pausedAt !== null) {
        one.tell.logger.warn({ by: now.pausedBy, reason: now.pauseReason }, 'paused')
        one.tell.pause()
      }
      if (before.pausedAt !== null && now.pausedAt === null) {
        one.tell.logger.info('resumed')
        one.tell.resume()
      }
      if (now.runRequests > before.runRequests && now.pausedAt === null) one.tell.run()
    }
  })
  return {
    stop: () => watch.stop(),
    steer: (stream, tell) => {
      const one = { seen: inForce(rows, stream), tell }
      steered.set(stream, one)
      if (one.seen.pausedAt !== null)
        tell.logger.warn({ by: one.seen.pausedBy }, 'paused: nothing runs until an operator resumes')
      return () => one.seen.pausedAt !== null
    },
  }
}
