import { setImmediate as nextTurn } from 'node:timers/promises'

/** Milliseconds after which the process's other work has its turn. */
const STEP_MS = 50

/**
 * Works through all items in order, and lets the process do its other work each time that this took 50 ms: heartbeats,
 * other streams, pages. One item that takes longer is not interrupted.
 *
 * @param onSlow told of an item that took longer by itself, in milliseconds.
 */
export async function inSteps<T, R>(
  items: readonly T[],
  work: (item: T) => R,
  onSlow: (ms: number) => void = () => undefined,
): Promise<R[]> {
  const results: R[] = []
  let stepBegan = performance.now()
  let began = stepBegan
  for (const item of items) {
    results.push(work(item))
    const now = performance.now()
    if (now - began > STEP_MS) onSlow(now - began)
    began = now
    if (now - stepBegan <= STEP_MS) continue
    await nextTurn()
    stepBegan = began = performance.now()
  }
  return results
}
