import type { SourceRecord } from '../kafka/record.ts'
import type { Stream } from '../stream/compile.ts'
import type { Rejection, ValidRecord } from '../stream/types.ts'

/** What of the contract there is, and is configured. */
export interface ValidationRules {
  readonly stream: Pick<Stream, 'validate'>
  /** How much older than its record what it tells of may be, in days. */
  readonly maxAgeDays: number
}

/**
 * Holds each record against the stream's contract. Every record comes out once, as valid or as rejected, each list
 * in the order of the records. Never throws, and depends on nothing but its arguments: the same record is decided
 * in the same way at any time.
 */
export function validate(
  records: readonly SourceRecord[],
  { stream, maxAgeDays }: ValidationRules,
): { valid: ValidRecord[]; rejected: Rejection[] } {
  const valid: ValidRecord[] = []
  const rejected: Rejection[] = []
  for (const record of records) {
    const outcome = stream.validate(record, maxAgeDays)
    if ('row' in outcome) valid.push(outcome)
    else rejected.push(outcome)
  }
  return { valid, rejected }
}
