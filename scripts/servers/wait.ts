import { setTimeout as delay } from 'node:timers/promises'

export interface Limits {
  readonly limitMs?: number
  readonly everyMs?: number
}

/**
 * Asks again and again until the condition gives something, and gives that.
 *
 * @throws Error that names what was waited for, at the limit. What the condition throws ends the wait.
 */
export async function waitFor<T>(
  what: string,
  condition: () => Promise<T | false | undefined | null> | T | false | undefined | null,
  { limitMs = 10_000, everyMs = 50 }: Limits = {},
): Promise<T> {
  const deadline = performance.now() + limitMs
  for (;;) {
    const result = await condition()
    if (result !== false && result !== undefined && result !== null) return result
    if (performance.now() >= deadline) throw new Error(`Waited ${limitMs} ms in vain for ${what}`)
    await delay(everyMs)
  }
}

/** The promise's outcome, or an Error that names it if that takes longer than the limit. It isn't stopped. */
export async function within<T>(limitMs: number, what: string, promise: Promise<T>): Promise<T> {
  const limit = new AbortController()
  const late = delay(limitMs, undefined, { signal: limit.signal }).then(() => {
    throw new Error(`${what} took more than ${limitMs / 1000} s`)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    limit.abort()
    late.catch(() => {})
    promise.catch(() => {})
  }
}
