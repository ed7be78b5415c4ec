import { setTimeout as delay } from 'node:timers/promises'

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
