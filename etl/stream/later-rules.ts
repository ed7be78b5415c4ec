import type { Issue, Transaction } from './types.ts'
import { excerpt } from '../text/excerpt.ts'
import type { JsonObject } from './json.ts'
import type { messageSchema } from './message.ts'

/**
 * A rule that the contract got later, when records that break it may have been loaded.
 *
 * It counts from a time of Kafka's on, so that what was decided stays decided: replay, `pulse reconcile
 * --deep` and a rebuild of the warehouse hold each record against the rules of its own time.
 */
export interface LaterRule {
  /** Records that Kafka stored before are not held against it: a time when the rule is deployed everywhere. */
  readonly since: Date
  /** What the issue names and shows. */
  readonly field: keyof (typeof messageSchema)['shape']
  /** Decides by the transaction alone, without a clock or a lookup. */
  readonly accepts: (transaction: Transaction) => boolean
  /** Ends the sentence "it must be …". */
  readonly accepted: string
}

/** To add one, append it. It may stay for ever: what breaks it is then as old as its beginning. */
export const LATER_RULES: readonly LaterRule[] = []

/**
 * An issue for each rule that a transaction breaks.
 *
 * @param message that it was read from.
 * @param kafkaMs when Kafka stored it, milliseconds since the epoch.
 */
export function laterIssues(
  transaction: Transaction,
  message: JsonObject,
  kafkaMs: number,
  rules: readonly LaterRule[],
): Issue[] {
  const issues: Issue[] = []
  for (const { since, field, accepts, accepted } of rules) {
    if (kafkaMs < since.getTime() || accepts(transaction)) continue
    issues.push({ field, message: `${field} is ${excerpt(message[field])}; it must be ${accepted}` })
  }
  return issues
}
