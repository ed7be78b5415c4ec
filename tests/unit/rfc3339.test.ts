import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseRfc3339 } from '../../etl/stream/rfc3339.ts'

const micros = (utc: string) => Date.parse(utc) * 1_000
const pad = (n: number, length = 2) => String(n).padStart(length, '0')

describe('a timestamp is read', () => {
  test.each([
    ['1970-01-01T00:00:00Z', 0],
    ['1969-12-31T23:59:59.999999Z', -1],
    ['2026-11-21T10:00:00Z', micros('2026-11-21T10:00:00Z')],
    ['2026-11-21T10:00:00.000001Z', micros('2026-11-21T10:00:00Z') + 1],
    ['2026-11-21T10:00:00.5Z', micros('2026-11-21T10:00:00.500Z')],
    ['2026-11-21T10:00:00.05Z', micros('2026-11-21T10:00:00.050Z')],
    ['2026-11-21T10:00:00.123456999Z', micros('2026-11-21T10:00:00.123Z') + 456],
    ['2026-11-21T10:00:00.9999999999999999Z', micros('2026-11-21T10:00:01Z') - 1],
    [`2026-11-21T10:00:00.${'1'.repeat(30)}Z`, micros('2026-11-21T10:00:00.111Z') + 111],
  ])('%s, and digits after the microsecond are dropped', (text, expected) => {
    expect(parseRfc3339(text)).toBe(expected)
  })

  test.each([
    ['2026-11-21T12:00:00+02:00', '2026-11-21T10:00:00Z'],
    ['2026-11-21T04:30:00-05:30', '2026-11-21T10:00:00Z'],
    ['2026-11-21T10:00:00+00:00', '2026-11-21T10:00:00Z'],
    ['2026-11-21T10:00:00-00:00', '2026-11-21T10:00:00Z'],
    ['2026-12-31T23:30:00-01:00', '2027-01-01T00:30:00Z'],
    ['2027-01-01T00:30:00+01:00', '2026-12-31T23:30:00Z'],
    ['2024-03-01T00:30:00+01:00', '2024-02-29T23:30:00Z'],
    ['2026-11-21T23:59:59+23:59', '2026-11-21T00:00:59Z'],
    ['2026-11-21T00:00:00-23:59', '2026-11-21T23:59:00Z'],
  ])('%s is %s', (text, utc) => {
    expect(parseRfc3339(text)).toBe(micros(utc))
  })

  test.each([
    '2024-02-29',
    '2000-02-29',
    '2400-02-29',
    '2026-01-31',
    '2026-04-30',
    '2026-12-31',
    '0004-02-29',
  ])('%s exists', (date) => {
    expect(parseRfc3339(`${date}T00:00:00Z`)).toBe(micros(`${date}T00:00:00Z`))
  })

  test.each(['0000-01-01', '0000-02-29', '0001-01-01', '0099-12-31', '1900-01-01', '9999-12-31'])(
    '%s falls into its own year and no other century',
    (date) => {
      expect(parseRfc3339(`${date}T00:00:00Z`)).toBe(micros(`${date}T00:00:00Z`))
    },
  )
})

describe('a timestamp is refused', () => {
  test.each([
    ['a day that does not exist', '2026-02-30T10:00:00Z'],
    ['29 February of a common year', '2026-02-29T10:00:00Z'],
    ['29 February of 1900', '1900-02-29T10:00:00Z'],
    ['29 February of 2100', '2100-02-29T10:00:00Z'],
    ['31 April', '2026-04-31T10:00:00Z'],
    ['day 0', '2026-01-00T10:00:00Z'],
    ['day 32', '2026-01-32T10:00:00Z'],
    ['month 0', '2026-00-01T10:00:00Z'],
    ['month 13', '2026-13-01T10:00:00Z'],
    ['24:00', '2026-11-21T24:00:00Z'],
    ['minute 60', '2026-11-21T10:60:00Z'],
    ['a leap second', '2016-12-31T23:59:60Z'],
    ['no zone', '2026-11-21T10:00:00'],
    ['lower-case t', '2026-11-21t10:00:00Z'],
    ['lower-case z', '2026-11-21T10:00:00z'],
    ['a space between date and time', '2026-11-21 10:00:00Z'],
    ['an offset of 24 hours', '2026-11-21T10:00:00+24:00'],
    ['an offset of 60 minutes', '2026-11-21T10:00:00+01:60'],
    ['an offset without colon', '2026-11-21T10:00:00+0100'],
    ['an offset without minutes', '2026-11-21T10:00:00+01'],
    ['the typographic minus', '2026-11-21T10:00:00\u221201:00'],
    ['a zone by name', '2026-11-21T10:00:00 UTC'],
    ['a fraction without digits', '2026-11-21T10:00:00.Z'],
    ['a comma before the fraction', '2026-11-21T10:00:00,5Z'],
    ['a fraction of 31 digits', `2026-11-21T10:00:00.${'1'.repeat(31)}Z`],
    ['no seconds', '2026-11-21T10:00Z'],
    ['a date alone', '2026-11-21'],
    ['a year of five digits', '12026-11-21T10:00:00Z'],
    ['a year with a sign', '+002026-11-21T10:00:00Z'],
    ['one digit for the month', '2026-1-21T10:00:00Z'],
    ['the American form', '11/21/2026'],
    ['space around', ' 2026-11-21T10:00:00Z'],
    ['a line end', '2026-11-21T10:00:00Z\n'],
    ['digits of another script', '２０２６-11-21T10:00:00Z'],
    ['what Postgres understands', 'infinity'],
    ['now', 'now'],
    ['epoch seconds', '1795255200'],
    ['nothing', ''],
  ])('for %s: %j', (_, text) => {
    expect(parseRfc3339(text)).toBeUndefined()
  })
})

test('every valid date reads as Date reads it', () => {
  const dates = fc.date({
    min: new Date('0000-01-01T00:00:00Z'),
    max: new Date('9999-12-31T23:59:59.999Z'),
    noInvalidDate: true,
  })
  const zones = fc.record({ sign: fc.constantFrom('+', '-'), hour: fc.nat(23), minute: fc.nat(59) })
  fc.assert(
    fc.property(dates, zones, (date, { sign, hour, minute }) => {
      const text = date.toISOString().replace('Z', `${sign}${pad(hour)}:${pad(minute)}`)
      expect(parseRfc3339(text)).toBe(Date.parse(text) * 1_000)
    }),
    { numRuns: 2_000 },
  )
})

test('a day exists exactly where the calendar of Date has it', () => {
  const parts = fc.record({ year: fc.nat(9_999), month: fc.nat(13), day: fc.nat(32) })
  fc.assert(
    fc.property(parts, ({ year, month, day }) => {
      const date = `${pad(year, 4)}-${pad(month)}-${pad(day)}`
      const read = new Date(`${date}T00:00:00Z`)
      const exists = !Number.isNaN(read.getTime()) && read.toISOString().startsWith(date)
      expect(parseRfc3339(`${date}T00:00:00Z`) !== undefined).toBe(exists)
    }),
    { numRuns: 5_000 },
  )
})
