import { REDRIVE_OF, type SourceRecord } from '../kafka/record.ts'
import type { Stream } from '../stream/compile.ts'
import type { Rejection, Skipped, Stopping, ValidRecord } from '../stream/types.ts'

/** What of the contract there is, and is configured. */
export interface ValidationRules {
  readonly stream: Pick<Stream, 'validate'>
  /** How much older than its record what it tells of may be, in days. */
  readonly maxAgeDays: number
}

/** What the partition's watermark remembers of the records before. */
export interface Before {
  /** The record that an operator let the partition pass, if any. */
  readonly passedOffset: number | null
  /** Who wrote them, where their envelope says so. */
  readonly writer: string | null
}

/** Each list in the order of the records. */
export interface Judged {
  readonly valid: ValidRecord[]
  readonly rejected: Rejection[]
  readonly skipped: Skipped[]
  /** Who wrote the newest of them, where their envelope says so. */
  readonly writer?: string | undefined
  /** The record that an operator must look at first: it and those behind it are in no list. */
  readonly stop?: Stopping
}

/**
 * Holds each record against the stream's contract. Every record comes out once, as valid, rejected or skipped, up to
 * one that stops the partition. Never throws, and depends on nothing but its arguments: the same record is decided
 * in the same way at any time.
 *
 * @param before absent where records were loaded before, and are only looked at again: then nothing stops, and a
 * record that did was passed, so it was skipped.
 */
export function validate(
  records: readonly SourceRecord[],
  { stream, maxAgeDays }: ValidationRules,
  before?: Before,
): Judged {
  const valid: ValidRecord[] = []
  const rejected: Rejection[] = []
  const skipped: Skipped[] = []
  let writer = before?.writer ?? undefined
  for (const record of records) {
    const outcome = stream.validate(record, maxAgeDays)
    if ('row' in outcome) {
      const stop = before && anotherWriter(writer, outcome)
      if (stop !== undefined) return { valid, rejected, skipped, writer, stop }
      if (!isRedrive(record)) writer = outcome.writer ?? writer
      valid.push(outcome)
    } else if ('code' in outcome) rejected.push(outcome)
    else if ('skip' in outcome) skipped.push(outcome)
    else if (before === undefined || before.passedOffset === record.offset)
      skipped.push({ record, skip: 'passed by an operator' })
    else return { valid, rejected, skipped, writer, stop: outcome }
  }
  return { valid, rejected, skipped, writer }
}

/** An operator sent it again, maybe after the source was changed for good: it says nothing of who writes now. */
const isRedrive = ({ headers }: SourceRecord): boolean => headers.some(({ key }) => key === REDRIVE_OF)

function anotherWriter(known: string | undefined, { record, writer }: ValidRecord): Stopping | undefined {
  if (known === undefined || writer === undefined || known === writer || isRedrive(record)) return undefined
  return {
    record,
    stop: 'another_writer',
    reason: `the record at offset ${record.offset} is of the source ${JSON.stringify(writer)}, those before it are of ${JSON.stringify(known)}`,
  }
}
