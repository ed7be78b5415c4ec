import { describe, expect, test } from 'vitest'
import { aParcelMessage, aParcelRecord, parcels, validatedParcel } from '../support/a-parcel.ts'
import { KAFKA_TIME } from '../support/messages.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** A timestamp of a resolution of one microsecond. */
function iso(ms: number, micros = 0): string {
  return new Date(ms).toISOString().replace('Z', `${String(micros).padStart(3, '0')}Z`)
}

describe('an event may be at most 24 hours after and 1095 days before its record', () => {
  test.each([
    ['24 hours after', iso(KAFKA_TIME + DAY_MS), 'valid'],
    ['24 hours and a microsecond after', iso(KAFKA_TIME + DAY_MS, 1), 'timestamp_out_of_range'],
    ['1095 days before', iso(KAFKA_TIME - 1_095 * DAY_MS), 'valid'],
    [
      '1095 days and a microsecond before',
      iso(KAFKA_TIME - 1_095 * DAY_MS - 1, 999),
      'timestamp_out_of_range',
    ],
    ['the year 0000', '0000-01-01T00:00:00Z', 'timestamp_out_of_range'],
    ['before the year 0000, by its zone', '0000-01-01T00:00:00+23:59', 'timestamp_out_of_range'],
    ['the year 9999', '9999-12-31T23:59:59Z', 'timestamp_out_of_range'],
    ['after the year 9999, by its zone', '9999-12-31T23:59:59-23:59', 'timestamp_out_of_range'],
  ])('%s', (_, weighed, code) => {
    expect(validatedParcel(aParcelMessage({ weighed })).code).toBe(code)
  })

  test('judged by Kafka’s time and not by the clock', () => {
    const longAgo = Date.parse('2001-01-01T00:00:00Z')
    expect(validatedParcel(aParcelMessage({ weighed: iso(longAgo) }), longAgo).code).toBe('valid')
    expect(validatedParcel(aParcelMessage({ weighed: iso(Date.now()) }), longAgo).code).toBe(
      'timestamp_out_of_range',
    )
  })

  test('with the days that are configured', () => {
    const record = aParcelRecord(aParcelMessage({ weighed: iso(KAFKA_TIME - 2 * DAY_MS) }))
    expect(parcels.validate(record, 2)).toHaveProperty('row')
    expect(parcels.validate(record, 1)).toHaveProperty('code', 'timestamp_out_of_range')
  })

  test.each([-1, 0, NaN, Infinity, 2 ** 62, -(2 ** 62), 8.64e15])(
    'a time of the record that is %d rejects it and doesn’t throw',
    (timestamp) => {
      const { code, issues } = validatedParcel(aParcelMessage(), timestamp)
      expect(code).toBe('timestamp_out_of_range')
      expect(issues).toHaveLength(1)
    },
  )

  test('a time whose microseconds are no safe integer is never within', () => {
    const year2300 = Date.parse('2300-01-01T00:00:00Z')
    expect(validatedParcel(aParcelMessage({ weighed: iso(year2300) }), year2300).code).toBe(
      'timestamp_out_of_range',
    )
  })

  test('the issue says what was there, what is accepted and when Kafka stored the record', () => {
    expect(validatedParcel(aParcelMessage({ weighed: '1999-12-31T23:59:59Z' })).issues).toEqual([
      {
        field: 'weighed',
        message:
          'weighed is "1999-12-31T23:59:59Z"; it must be at most 24 hours after and 1095 days before Kafka stored the record, 2026-11-21T10:00:00.000Z',
      },
    ])
  })
})

describe('a timestamp that is out of range', () => {
  const weighed = '1999-12-31T23:59:59Z'

  test('is a schema violation where something else is wrong too, and stays in the list', () => {
    const { code, issues } = validatedParcel(aParcelMessage({ weighed, fee: -5 }))
    expect(code).toBe('schema_violation')
    expect(issues.map((issue) => issue.field)).toEqual(['fee', 'weighed'])
  })

  test('is one issue, no matter how old', () => {
    expect(validatedParcel(aParcelMessage({ weighed: '0001-01-01T00:00:00Z' })).issues).toHaveLength(1)
  })
})
