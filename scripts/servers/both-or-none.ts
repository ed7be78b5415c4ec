import type { Watchdog } from './watchdog.ts'

/**
 * Waits for both starts to their end, also when one fails: a server that comes after the clean-up would stay.
 *
 * @throws Error with what failed, of each server that did; nothing is left of the other one.
 */
export async function bothOrNone<A, B>(
  watchdog: Watchdog,
  starts: readonly [Promise<A>, Promise<B>],
): Promise<[A, B]> {
  const [first, second] = await Promise.allSettled(starts)
  if (first.status === 'fulfilled' && second.status === 'fulfilled') return [first.value, second.value]
  const [cleanUp] = await Promise.allSettled([watchdog.end()])
  const failures = [first, second, cleanUp].flatMap((step) =>
    step.status === 'rejected' ? [step.reason as Error] : [],
  )
  throw new AggregateError(failures, failures.map((error) => error.message).join('; '))
}
