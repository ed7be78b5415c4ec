/**
 * Timestamps of the contract: RFC 3339 section 5.6, and stricter where it leaves a choice.
 *
 * JavaScript's own parser is no judge of them: it turns 30 February into 2 March, takes 24:00 and
 * '1/2/2026', and cuts after the millisecond.
 */

/** A fraction has 30 digits at most: no clock writes more, though RFC 3339 itself sets no limit. */
const FORM = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,30}))?(?:Z|([+-])(\d\d):(\d\d))$/

/** The accepted form, in words for people. */
export const RFC3339_FORM =
  'an existing date and time with zone as RFC 3339 writes it: 2026-01-31T23:59:59.5+02:00'

const DAY_MS = 86_400_000
/** The Gregorian calendar repeats itself after 400 years, which have this many days. */
const DAYS_OF_400_YEARS = 146_097
const DAYS_OF_MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/**
 * Microseconds since the epoch (UTC), or undefined where the text is no such timestamp.
 *
 * Upper-case `T` and `Z` only, a zone always (`-00:00` too, read as UTC), offsets to ±23:59, years
 * 0000 to 9999, no 24:00 and no leap second. Digits after the microsecond are dropped.
 *
 * The result is exact from 1684 to 2255; outside, it is no safe integer, which the range check of the
 * contract refuses.
 */
export function parseRfc3339(text: string): number | undefined {
  const match = FORM.exec(text)
  if (match === null) return undefined
  const [, years, months, days, hours, minutes, seconds, fraction, sign, offsetHours, offsetMinutes] = match
  const year = Number(years)
  const month = Number(months)
  const day = Number(days)
  const hour = Number(hours)
  const minute = Number(minutes)
  const second = Number(seconds)
  if (month < 1 || month > 12 || day < 1 || day > daysOfMonth(year, month)) return undefined
  if (hour > 23 || minute > 59 || second > 59) return undefined

  const micros = fraction === undefined ? 0 : Number(fraction.slice(0, 6).padEnd(6, '0'))
  const localMs = midnight(year, month, day) + ((hour * 60 + minute) * 60 + second) * 1_000
  if (sign === undefined) return localMs * 1_000 + micros

  const aheadHours = Number(offsetHours)
  const aheadMinutes = Number(offsetMinutes)
  if (aheadHours > 23 || aheadMinutes > 59) return undefined
  const aheadMs = (aheadHours * 60 + aheadMinutes) * 60_000
  return (sign === '+' ? localMs - aheadMs : localMs + aheadMs) * 1_000 + micros
}

function daysOfMonth(year: number, month: number): number {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  return month === 2 && leap ? 29 : (DAYS_OF_MONTH[month - 1] ?? 0)
}

/** Start of a day in milliseconds since the epoch. Shifted to 2000–2399, as Date.UTC takes year 26 for 1926. */
function midnight(year: number, month: number, day: number): number {
  const shifted = Date.UTC(2000 + (year % 400), month - 1, day)
  return shifted + (Math.floor(year / 400) - 5) * DAYS_OF_400_YEARS * DAY_MS
}
