import { describe, expect, test } from 'vitest'
import { INVALID_KINDS } from '../../producer/messages.ts'
import { createEncoder } from '../../producer/encode.ts'
import type { Row } from '../../etl/stream/field.ts'
import { createRandom } from '../../producer/random.ts'
import { DEAD_LETTER_CODES } from '../../etl/schema/audit.ts'
import { instant, uuid } from '../../etl/stream/words.ts'
import { stream } from '../support/stream.ts'

const HOUR_MS = 3_600_000
/** A record of the installed stream with all its fields. */
const whole = (time: number): Row => {
  const random = createRandom(3)
  const row = Object.entries(stream.definition.fields).map(([field, { kind }]) => [
    field,
    kind.sample(random, time),
  ])
  return { ...Object.fromEntries(row), [stream.eventTime]: time * 1_000 }
}
const FIELDS = Object.keys(stream.definition.fields)
const encoder = createEncoder(stream.definition)
const encode = (row: Row) => Buffer.from(encoder.text(row))

/** Awkward days: a leap day, the first and the last moment of a year. */
const TIMES = [
  Date.UTC(2028, 1, 29, 12),
  Date.UTC(2026, 0, 1),
  Date.UTC(2026, 11, 31, 23, 59, 59, 999),
  Date.UTC(2026, 10, 21, 12),
]

function outcome(value: Buffer | null, timestamp: number, maxAgeDays = 1_095) {
  return stream.validate({ offset: 0, timestamp, key: null, value, headers: [] }, maxAgeDays)
}

test('the record that they are made of keeps the contract', () => {
  for (const time of TIMES) expect(outcome(encode(whole(time)), time)).toHaveProperty('row')
})

describe.each(INVALID_KINDS)('$kind', ({ kind, expectedCode, make }) => {
  test(`becomes a dead letter with ${expectedCode}`, () => {
    const random = createRandom(1)
    for (const time of TIMES) {
      for (let n = 0; n < 20; n++) {
        expect(outcome(make(whole(time), random), time)).toMatchObject({ code: expectedCode })
      }
    }
  })

  test('is so also with the longest age that may be configured, and after an hour on the way', () => {
    const time = TIMES[3]!
    expect(outcome(make(whole(time), createRandom(1)), time + HOUR_MS, 36_500)).toMatchObject({
      code: expectedCode,
    })
  })

  test('breaks no other rule', () => {
    const time = TIMES[3]!
    const broken = outcome(make(whole(time), createRandom(1)), time)
    const issues = 'code' in broken ? broken.issues : []
    expect(issues).toHaveLength(1)
    const place = issues[0]!.field
    const field = FIELDS.find((name) => kind.startsWith(`${name}_`)) ?? place
    // An item of a list is named by its place: tags[0].
    expect(place.replace(/\[\d+\]$/, '')).toBe(field)
  })
})

describe('the table', () => {
  test('names each kind once', () => {
    const names = INVALID_KINDS.map(({ kind }) => kind)
    expect(new Set(names).size).toBe(names.length)
  })

  test('has a kind for each code that a record alone can earn', () => {
    // The others need another record, the warehouse, bytes that Kafka's own format doesn't allow, or an envelope.
    const others = ['conflicting_duplicate', 'rejected_by_warehouse', 'undecodable', 'key_moved'].concat([
      'malformed_value',
      'incomplete_row',
      'unknown_schema',
    ])
    expect(new Set(INVALID_KINDS.map(({ expectedCode }) => expectedCode))).toEqual(
      new Set(DEAD_LETTER_CODES.filter((code) => !others.includes(code))),
    )
  })

  test.each(FIELDS)('has kinds for a missing, an empty and a bad %s', (field) => {
    const kinds = INVALID_KINDS.filter(({ kind }) => kind.startsWith(`${field}_`))
    expect(kinds.length).toBeGreaterThanOrEqual(3)
  })
})

test('a time is written to the microsecond, and what may be missing is left out', () => {
  const { text } = createEncoder({ fields: { at: instant(), note: uuid().optional() } })
  expect(text({ at: Date.UTC(2026, 0, 1) * 1_000 + 7, note: null })).toBe(
    '{"at":"2026-01-01T00:00:00.000007Z"}',
  )
})
