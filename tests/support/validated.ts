import { validateRecord } from '../../etl/job/validate.ts'
import type { DeadLetterCode, Issue, Transaction } from '../../etl/stream/types.ts'
import { aMessage, aRecordOf } from './a-transaction.ts'

/** What validation made of a record, in a form that a test can compare. */
export interface Validated {
  readonly code: DeadLetterCode | 'valid'
  readonly issues: readonly Issue[]
  readonly transaction?: Transaction
}

/** Validates a message (an object, JSON text or bytes) that Kafka stored at KAFKA_TIME. */
export function validated(message: object | string, timestamp?: number): Validated {
  const record = aRecordOf(message, timestamp === undefined ? {} : { timestamp })
  const outcome = validateRecord(record, { maxAgeDays: 1_095 })
  return 'transaction' in outcome
    ? { code: 'valid', issues: [], transaction: outcome.transaction }
    : { code: outcome.code, issues: outcome.issues }
}

/** Validates a message with one field written as raw JSON, as only the bytes show: `1e2`, `"\ud800"`. */
export function validatedField(field: string, json: string): Validated {
  const text = JSON.stringify(aMessage({ [field]: '<value>' }))
  return validated(text.replace('"<value>"', () => json))
}
