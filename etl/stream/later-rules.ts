import { excerptOf, type JsonObject } from './json.ts'
import type { Issue } from './types.ts'

/**
 * A rule that a contract got later, when records that break it may have been loaded.
 *
 * It counts from a time of Kafka's on, so that what was decided stays decided: replay, `pulse reconcile
 * --deep` and a rebuild of the warehouse hold each record against the rules of its own time. It may stay for
 * ever: what breaks it is then as old as its beginning.
 */
export interface LaterRule<Row> {
  /** Records that Kafka stored before are not held against it: a time when the rule is deployed everywhere. */
  readonly since: Date
  /** What the issue names and shows. */
  readonly field: keyof Row & string
  /** Ends the sentence "it must be …". */
  readonly accepted: string
  /** Decides by the record alone, without a clock or a lookup. */
  accepts(this: void, row: Row): boolean
}

/**
 * An issue for each rule that a record breaks.
 *
 * @param message that it was read from.
 * @param kafkaMs when Kafka stored it, milliseconds since the epoch.
 */
export function laterIssues<Row>(
  row: Row,
  message: JsonObject,
  kafkaMs: number,
  rules: readonly LaterRule<Row>[],
): Issue[] {
  const issues: Issue[] = []
  for (const { since, field, accepts, accepted } of rules) {
    if (kafkaMs < since.getTime() || accepts(row)) continue
    issues.push({ field, message: `${field} is ${excerptOf(message[field])}; it must be ${accepted}` })
  }
  return issues
}
