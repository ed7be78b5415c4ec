import { addAbortListener } from 'node:events'

/**
 * The outcome of a work, or the signal's reason as an error as soon as it is aborted. The work isn't stopped by
 * that; should it fail later, nobody is told.
 */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  work.catch(() => undefined)
  const { promise: over, reject } = Promise.withResolvers<never>()
  const listener = addAbortListener(signal, () => reject(signal.reason as Error))
  try {
    return await Promise.race([work, over])
  } finally {
    listener[Symbol.dispose]()
  }
}

/** Resolves when the signal is aborted, now or before. */
export function aborted(signal: AbortSignal): Promise<undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  addAbortListener(signal, () => resolve(undefined))
  return promise
}
