/**
 * The stop on mass rejection: when most records suddenly fail, a broken producer or a broken contract is
 * likelier than that many bad records, and the topic must not run empty into the dead letters.
 *
 * Redrives are left out on both sides: dead letters that fail again are no news of the producers, and a
 * bulk redrive must not stop its partition.
 */

import type { Rejection } from '../stream/types.ts'

/** A batch is judged together with the fewest whole batches before it that make it at least this many. */
export const WINDOW_RECORDS = 200
/** Fewer records than this prove nothing. */
const MIN_RECORDS = 20

/**
 * @param maxRatio DEAD_LETTER_MAX_RATIO, 0 to 1.
 * @returns a sentence for the operator, or undefined where the batch may be loaded.
 */
export function tooManyRejected(
  batch: { consumed: number; rejected: number },
  before: { consumed: number; deadLettered: number },
  maxRatio: number,
): string | undefined {
  const consumed = batch.consumed + before.consumed
  const rejected = batch.rejected + before.deadLettered
  if (consumed < MIN_RECORDS || rejected <= consumed * maxRatio) return undefined
  return `${rejected} of the last ${consumed} records would be dead letters, more than the share of ${maxRatio} that is accepted`
}

const NAMED = 2

/** As dead letters are grouped: the code, and the first field that is wrong. The ledger's column `failure` is the same in SQL. */
export const failureOf = ({ code, issues }: Rejection): string => `${code} ${issues[0]?.field ?? ''}`.trim()

/** What is wrong with most of them, for somebody who can't see them yet: nothing of the batch is stored. */
export function commonestFailures(rejections: readonly Rejection[]): string {
  const failures = new Map<string, { count: number; example: string }>()
  for (const rejection of rejections) {
    const name = failureOf(rejection)
    const failure = failures.get(name) ?? { count: 0, example: rejection.issues[0]?.message ?? '' }
    failure.count += 1
    failures.set(name, failure)
  }
  return [...failures]
    .sort(([, a], [, b]) => b.count - a.count)
    .slice(0, NAMED)
    .map(([name, { count, example }]) => `${count} ${name} (${example})`)
    .join(', ')
}
