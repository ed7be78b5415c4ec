import { identityFields, isTheKey } from '../etl/stream/define.ts'
import type { Definition } from '../etl/stream/definition.ts'
import type { Row } from '../etl/stream/field.ts'
import type { DeadLetterCode } from '../etl/stream/types.ts'
import type { Encoder } from './encode.ts'
import type { Random } from './random.ts'

/** One way to break a stream's contract, and the code of the dead letter that it must become. */
export interface InvalidKind {
  readonly kind: string
  readonly expectedCode: DeadLetterCode
  /** Made of a valid record, so that nothing but this one rule is broken. */
  readonly make: (valid: Row, random: Random) => Buffer | null
}

const DAY_MS = 86_400_000

/** Values that are no JSON in UTF-8, or none that holds an object. */
const BAD_BYTES: Record<string, [DeadLetterCode, (text: string, random: Random) => Buffer | null]> = {
  null_value: ['schema_violation', () => null],
  empty_value: ['malformed_json', () => Buffer.alloc(0)],
  blank: ['malformed_json', () => Buffer.from(' \n')],
  not_json: ['malformed_json', () => Buffer.from('order 17, twelve fifty')],
  truncated: [
    'malformed_json',
    (text, random) => {
      const whole = Buffer.from(text)
      return whole.subarray(0, random.between(1, whole.length - 1))
    },
  ],
  trailing_comma: ['malformed_json', (text) => Buffer.from(`${text.slice(0, -1)},}`)],
  two_objects: ['malformed_json', (text) => Buffer.from(text + text)],
  nan_literal: ['malformed_json', (text) => Buffer.from(`${text.slice(0, -1)},"nan":NaN}`)],
  not_utf8: ['malformed_json', (text) => Buffer.from(`${text.slice(0, -1)},"name":"Zoë"}`, 'latin1')],
  utf16: ['malformed_json', (text) => Buffer.from(text, 'utf16le')],
  byte_order_mark: ['malformed_json', (text) => Buffer.from(`\ufeff${text}`)],
  array: ['schema_violation', (text) => Buffer.from(`[${text}]`)],
  json_string: ['schema_violation', (text) => Buffer.from(JSON.stringify(text))],
  json_number: ['schema_violation', () => Buffer.from('17')],
  json_null: ['schema_violation', () => Buffer.from('null')],
}

/**
 * Every kind of record that a stream's contract forbids: bytes that hold no object, what each field's word refuses,
 * and times out of range. The tests of the ETL hold it against this table.
 */
export function invalidKinds(
  { fields, eventTime, identity }: Pick<Definition, 'fields' | 'eventTime' | 'identity'>,
  encoder: Encoder,
): readonly InvalidKind[] {
  // Where the key of a record says which it is, one without a value deletes it.
  const deletesByKey =
    identity.latest !== undefined && identityFields(identity).every((field) => isTheKey(fields, field))
  const badBytes = Object.entries(BAD_BYTES).filter(([kind]) => kind !== 'null_value' || !deletesByKey)
  const kinds: InvalidKind[] = badBytes.map(([kind, [expectedCode, make]]) => ({
    kind,
    expectedCode,
    make: (valid, random) => make(encoder.text(valid), random),
  }))
  for (const [field, { kind, isOptional, fallback, options }] of Object.entries(fields)) {
    if (typeof options.at === 'object') continue // not in the value
    const changed = (what: string, text: string | undefined): InvalidKind => ({
      kind: `${field}_${what}`,
      expectedCode: 'schema_violation',
      make: (valid) => Buffer.from(encoder.text(valid, { [field]: text })),
    })
    if (!isOptional && fallback === undefined) kinds.push(changed('missing', undefined))
    if (!isOptional) kinds.push(changed('null', 'null'))
    for (const [what, text] of Object.entries(kind.refuses)) kinds.push(changed(what, text))
  }
  // Of a field that occurs twice the last counts.
  for (const [field, { kind }] of Object.entries(fields)
    .filter(([, { options }]) => options.at === undefined)
    .slice(0, 1))
    kinds.push({
      kind: `second_${field}_bad`,
      expectedCode: 'schema_violation',
      make: (valid) =>
        Buffer.from(`${encoder.text(valid).slice(0, -1)},"${field}":${Object.values(kind.refuses)[0]!}}`),
    })
  return [
    ...kinds,
    // So far out of range that no age limit (at most 36,500 days) and no hours spent in a producer that waits for
    // Kafka bring them back in.
    ofTime('too_old', (random) => -36_501 - random.between(0, 30)),
    ofTime('in_the_future', (random) => random.between(3, 30)),
  ]

  function ofTime(what: string, days: (random: Random) => number): InvalidKind {
    return {
      kind: `${eventTime}_${what}`,
      expectedCode: 'timestamp_out_of_range',
      make: (valid, random) => {
        const at = (valid[eventTime] as number) + days(random) * DAY_MS * 1_000
        return Buffer.from(encoder.text({ ...valid, [eventTime]: at }))
      },
    }
  }
}
