import type { Random } from './random.ts'

/**
 * How many records are due at a time of a monotonic clock (milliseconds), or, if none is, in how many
 * milliseconds to ask again. What it says is due counts as sent.
 */
export type Pace = (now: number) => Due
export interface Due {
  readonly due: number
  /** 0 when something is due. */
  readonly waitMs: number
}

/** Records due at once, so at most this many are in memory and in one send: below Kafka's 1 MB a batch. */
export const MAX_CHUNK = 2_000
/** Sends don't follow faster than this unless a whole chunk is due: few large requests, not many small. */
export const CHUNK_EVERY_MS = 50
/** A debt of more than this is forgiven: after an outage there is no flood to make up for it. */
export const MAX_DEBT_MS = 1_000

/** One record at a time: the first at once, each next one `waitMs()` after the one before. */
export function intervalPace(waitMs: () => number): Pace {
  let next: number | undefined
  return (now) => {
    if (next !== undefined && now < next) return { due: 0, waitMs: next - now }
    next = now + waitMs()
    return { due: 1, waitMs: 0 }
  }
}

/**
 * So many records a second. Counts from the first call and not from send to send, so that the time
 * that sends take doesn't lower the rate: a slow send makes the next chunk larger, up to MAX_CHUNK.
 */
export function ratePace(perSecond: number): Pace {
  const maxDebt = Math.max(1, (perSecond * MAX_DEBT_MS) / 1_000)
  let origin: number | undefined
  let released = 0
  let notBefore = 0
  return (now) => {
    origin ??= now
    const debt = ((now - origin) * perSecond) / 1_000 - released
    // Forgiving moves the origin later: as if the clock had stood still.
    if (debt > maxDebt) origin += ((debt - maxDebt) * 1_000) / perSecond
    const owed = Math.floor(Math.min(debt, maxDebt))
    if (owed < MAX_CHUNK && now < notBefore) return { due: 0, waitMs: notBefore - now }
    if (owed < 1) return { due: 0, waitMs: Math.max(1, ((1 - debt) * 1_000) / perSecond) }
    const due = Math.min(owed, MAX_CHUNK)
    released += due
    notBefore = now + CHUNK_EVERY_MS
    return { due, waitMs: 0 }
  }
}

/**
 * How busy the shop is at each full hour, UTC: 0 is its quietest, 1 its busiest. Few buy before dawn,
 * some over lunch, most in the evening.
 */
const ACTIVITY_BY_HOUR = [
  0.3, 0.16, 0.07, 0.02, 0, 0.03, 0.1, 0.22, 0.36, 0.47, 0.55, 0.62, 0.68, 0.64, 0.58, 0.56, 0.6, 0.7, 0.84,
  0.95, 1, 0.93, 0.74, 0.5,
]
const HOUR_MS = 3_600_000

/** 0 to 1, in a straight line from each full hour to the next. */
export function activityAt(time: number): number {
  const hours = (time / HOUR_MS) % 24
  const hour = Math.floor(hours)
  const from = ACTIVITY_BY_HOUR[hour]!
  const to = ACTIVITY_BY_HOUR[(hour + 1) % 24]!
  return from + (to - from) * (hours - hour)
}

/**
 * How long to wait for the next sale, in milliseconds, always from `min` to `max`. A random share of
 * the way between them, raised to 4^(2 × activity - 1): on average a fifth of the way in the busiest
 * hour, half of it in an ordinary one and four fifths in the quietest.
 */
export function waitForNextSale(random: Random, time: number, min: number, max: number): number {
  return min + (max - min) * random.unit() ** (4 ** (2 * activityAt(time) - 1))
}
