import { randomUUID } from 'node:crypto'
import { transform } from '../../etl/job/transform.ts'
import type { SourceRecord } from '../../etl/kafka/record.ts'
import { compile } from '../../etl/stream/compile.ts'
import type { Row } from '../../etl/stream/field.ts'
import type { DeadLetterCode, Fact, Issue } from '../../etl/stream/types.ts'
import { aRecordOf, EVENT_TIME, KAFKA_TIME } from './messages.ts'
import { parcels as declared } from './streams/parcels.ts'

/**
 * Parcels in each shape that one takes on its way, with the same values each time: for what the engine does with
 * single fields, whatever stream is installed. A test names what it is about.
 */
export const parcels = compile(declared)

/** A parcel is of a minute before. */
const WEIGHED = EVENT_TIME

/** The JSON object of a valid message. An override that is undefined takes the field away. */
export function aParcelMessage(overrides: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    parcel_id: randomUUID(),
    fee: 100.5,
    currency: 'EUR',
    weighed: WEIGHED,
    sender: 'sender-1',
    depot: 'north',
    ...overrides,
  }
}

/** A record as Kafka delivers it: of an object as JSON, of a string or bytes as they are. */
export const aParcelRecord = (
  message: object | string | null = aParcelMessage(),
  overrides: Partial<SourceRecord> = {},
): SourceRecord => aRecordOf(message, { key: Buffer.from('sender-1'), ...overrides })

/** A parcel that keeps the contract: fees in hundredths, times in microseconds. */
export function aParcel(overrides: Row = {}): Row {
  const weighed = Date.parse(WEIGHED) * 1_000
  return { ...aParcelMessage(), fee: 100_50, weighed, ...overrides }
}

const isDerived = ([field]: [string, unknown]) => field in declared.derived!

/** A fact with what is derived of its parcel by the default rules, unless overridden. */
export function aParcelFact({ offset = 0, ...overrides }: Row & { offset?: number } = {}): Fact {
  const given = Object.entries(overrides)
  const said = Object.fromEntries(given.filter((one) => !isDerived(one)))
  const [fact] = transform([{ record: aParcelRecord('', { offset }), row: aParcel(said) }], parcels)
  return { ...fact!, row: { ...fact!.row, ...Object.fromEntries(given.filter(isDerived)) } }
}

/** What validation made of a record, in a form that a test can compare. */
export interface ValidatedParcel {
  readonly code: DeadLetterCode | 'valid'
  readonly issues: readonly Issue[]
  readonly row?: Row
}

/** Validates a message (an object, JSON text or bytes), by default one that Kafka stored at KAFKA_TIME. */
export function validatedParcel(message: object | string | null, timestamp = KAFKA_TIME): ValidatedParcel {
  const outcome = parcels.validate(aParcelRecord(message, { timestamp }), 1_095)
  if ('code' in outcome) return { code: outcome.code, issues: outcome.issues }
  if (!('row' in outcome)) throw new Error('it is no row')
  return { code: 'valid', issues: [], row: outcome.row }
}
