import type { DeadLetter } from './read.ts'
import type { DeadLetterCode, Issue } from '../stream/types.ts'
import { validateRecord, type ValidationRules } from '../job/validate.ts'

/** What would become of a record, as far as the message contract decides it. */
export type CheckedValue =
  | { readonly accepted: true }
  | { readonly accepted: false; readonly code: DeadLetterCode; readonly issues: readonly Issue[] }

/**
 * Holds a value against the contract as if it were sent in place of a dead letter's now: Kafka gives the
 * record a new time. Changes nothing. Whether its order is there already only the load finds out.
 */
export function checkValue(
  { key, headers }: Pick<DeadLetter, 'key' | 'headers'>,
  value: Buffer | null,
  rules: ValidationRules,
  now: Date,
): CheckedValue {
  const outcome = validateRecord({ offset: 0, timestamp: now.getTime(), key, headers, value }, rules)
  return 'transaction' in outcome
    ? { accepted: true }
    : { accepted: false, code: outcome.code, issues: outcome.issues }
}
