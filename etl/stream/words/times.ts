import { z } from 'zod'
import { texts, timestamps } from '../../postgres/binary-arrays.ts'
import { date } from '../../postgres/drizzle.ts'
import { instant as instantColumn } from '../../schema/columns.ts'
import type { FieldOptions } from '../field.ts'
import { parseRfc3339, RFC3339_FORM } from '../rfc3339.ts'
import { asItIs, broken, make, must, quoted, same } from './making.ts'

/** How many of a unit are in a microsecond, or the other way round. */
const MICROS = { s: 1_000_000, ms: 1_000, us: 1 }
const UNIT = { s: 'seconds', ms: 'milliseconds', us: 'microseconds' }

/**
 * A moment: a date and time with its zone, as RFC 3339 writes it, or with `epoch` a whole number since 1970. In code
 * microseconds since the epoch, UTC; a column `timestamptz`.
 *
 * @param options `epoch`: seconds, milliseconds or microseconds.
 * @example timestamp: instant({ column: 'transaction_timestamp' })
 * @example created: instant({ epoch: 'ms' })
 */
export const instant = <Personal extends boolean = false>({
  epoch,
  ...options
}: FieldOptions<Personal> & { readonly epoch?: 's' | 'ms' | 'us' } = {}) =>
  make<number, 'instant'>({
    name: 'instant',
    ...(epoch === undefined ? BY_RFC3339 : sinceEpoch(epoch)),
    inCode: 'microseconds since 1970 in UTC, a number',
    sample: (draw, nowMs) => (nowMs - draw.between(0, 3_600_000)) * 1_000,
    column: instantColumn,
    element: 'timestamptz',
    encode: timestamps,
    read: (column) => `(extract(epoch from ${column}) * 1000000)::bigint`,
    equal: same,
    show: (micros) => new Date(micros / 1_000).toISOString(),
    toColumn: (micros) => new Date(micros / 1_000),
    marker: '1970-01-01T00:00:00Z',
  })<Personal>(options)

const BY_RFC3339 = {
  schema: { type: 'string', format: 'date-time', description: RFC3339_FORM },
  refuses: {
    without_zone: '"2026-11-21T12:00:00"',
    without_time: '"2026-11-21"',
    february_30: '"2026-02-30T12:00:00Z"',
    leap_second: '"2026-06-30T23:59:60Z"',
    hour_24: '"2026-11-21T24:00:00Z"',
    not_a_time: '"yesterday"',
    number: '1795262400000',
  },
  write: writeInstant,
  wire: z.string(must(RFC3339_FORM)).transform((value, context) => {
    const micros = parseRfc3339(value)
    if (micros !== undefined) return micros
    context.addIssue({ code: 'custom', input: value, message: broken(value, RFC3339_FORM) })
    return z.NEVER
  }),
}

const sinceEpoch = (epoch: keyof typeof MICROS) => ({
  schema: {
    type: 'integer',
    'x-unit': UNIT[epoch],
    description: `a whole number of ${UNIT[epoch]} since 1970, UTC`,
  },
  refuses: { text: '"2026-11-21T12:00:00Z"', fraction: '1795262400.5', beyond: '1e300' },
  write: (value: number) => String(Math.round(value / MICROS[epoch])),
  wire: z
    .number(must('a whole number since 1970'))
    .refine(
      (value) => Number.isInteger(value) && Number.isSafeInteger(value * MICROS[epoch]),
      must('a whole number since 1970'),
    )
    .transform((value) => value * MICROS[epoch] + 0),
})

/**
 * A date that exists, as ISO 8601 writes it, or with `epoch` the whole number of days since 1970-01-01, as Debezium
 * writes one. In code the text, "2026-11-21"; a column `date`.
 *
 * @param options `epoch`: days.
 * @example born: day()
 * @example due: day({ epoch: 'days' })
 */
export const day = <Personal extends boolean = false>({
  epoch,
  ...options
}: FieldOptions<Personal> & { readonly epoch?: 'days' } = {}) =>
  make<string, 'day'>({
    name: 'day',
    ...(epoch === undefined ? BY_ISO8601 : DAYS_SINCE_EPOCH),
    inCode: 'a string such as 2026-11-21',
    sample: (draw, nowMs) => isoDay(nowMs - draw.between(0, 365) * DAY_MS),
    column: (name) => date(name, { mode: 'string' }),
    element: 'text',
    cast: 'date',
    encode: texts,
    read: (column) => `to_char(${column}, 'YYYY-MM-DD')`,
    equal: same,
    show: asItIs,
    toColumn: asItIs,
    marker: '1970-01-01',
  })<Personal>(options)

const DAY_MS = 86_400_000
const isoDay = (ms: number): string => new Date(ms).toISOString().slice(0, 10)

const BY_ISO8601 = {
  schema: { type: 'string', format: 'date', description: 'an existing date such as 2026-11-21' },
  refuses: {
    with_time: '"2026-11-21T12:00:00Z"',
    february_30: '"2026-02-30"',
    text: '"today"',
    number: '20261121',
  },
  write: quoted,
  wire: z
    .string(must('a date such as 2026-11-21'))
    .refine((value) => isDay(value), must('an existing date such as 2026-11-21')),
}

/** Of the first day of the year 1 and the last of 9999. */
const [FIRST_DAY, LAST_DAY] = [-719_162, 2_932_896]
const DAYS = `a whole number of days since 1970-01-01, from ${FIRST_DAY} to ${LAST_DAY}`

const DAYS_SINCE_EPOCH = {
  schema: { type: 'integer', minimum: FIRST_DAY, maximum: LAST_DAY, 'x-unit': 'days', description: DAYS },
  refuses: { text: '"2026-11-21"', fraction: '20778.5', milliseconds: '1795262400000', too_early: '-719163' },
  write: (value: string) => String(Date.parse(value) / DAY_MS),
  wire: z
    .number(must(DAYS))
    .refine((value) => Number.isInteger(value) && value >= FIRST_DAY && value <= LAST_DAY, must(DAYS))
    .transform((value) => isoDay(value * DAY_MS)),
}

/** Years 0001 to 9999: a date has no other. */
const isDay = (value: string): boolean =>
  /^\d{4}-\d\d-\d\d$/.test(value) && value > '0001' && parseRfc3339(`${value}T00:00:00Z`) !== undefined

/** At high rates many records share a millisecond, and the text of a date is dear: keep the last one. */
let lastMs = Number.NaN
let lastText = ''
function writeInstant(micros: number): string {
  const ms = Math.floor(micros / 1_000)
  if (ms !== lastMs) {
    lastText = new Date(ms).toISOString().slice(0, -1)
    lastMs = ms
  }
  const rest = micros - ms * 1_000
  return `"${lastText}${rest === 0 ? '' : String(rest).padStart(3, '0')}Z"`
}
