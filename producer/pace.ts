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
