import type { DeadLetterCode, Issue } from '../../etl/stream/types.ts'
import { aMessage, aRecordOf } from './messages.ts'
import { stream } from './stream.ts'

/** What validation made of a record, in a form that a test can compare. */
export interface Validated {
  readonly code: DeadLetterCode | 'valid'
  readonly issues: readonly Issue[]
  readonly row?: Readonly<Record<string, unknown>>
}

/** Validates a message (an object, JSON text or bytes) that Kafka stored at KAFKA_TIME. */
export function validated(message: object | string, timestamp?: number): Validated {
  const record = aRecordOf(message, timestamp === undefined ? {} : { timestamp })
  const outcome = stream.validate(record, 1_095)
  if ('code' in outcome) return { code: outcome.code, issues: outcome.issues }
  if (!('row' in outcome)) throw new Error('it is no row')
  return { code: 'valid', issues: [], row: outcome.row }
}

/** Validates a message with one field written as raw JSON, as only the bytes show: `1e2`, `"\ud800"`. */
export function validatedField(field: string, json: string): Validated {
  const text = JSON.stringify(aMessage({ [field]: '<value>' }))
  return validated(text.replace('"<value>"', () => json))
}
