/**
 * What the words of docs/STREAMS.md take of a message, for the oracles: a second reading by other means than the
 * product's (patterns, decimal digits, BigInt). Each gives what is stored, and undefined for what is refused. Shares
 * nothing with etl/ and must never call it.
 */
export type Said = Readonly<Record<string, unknown>>

/** The object that a record's value is, or the code of its dead letter. */
export function objectIn(value: Buffer | null): Said | 'malformed_json' | 'schema_violation' {
  if (value === null || value.length > 1_048_576) return 'schema_violation'
  let said: unknown
  try {
    // Fatal refuses what is no UTF-8; a BOM is kept, and no JSON begins with one.
    said = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value))
  } catch {
    return 'malformed_json'
  }
  return said === null || typeof said !== 'object' || Array.isArray(said)
    ? 'schema_violation'
    : (said as Said)
}

/** Whether every field has a value: null is one. */
export const isRead = <T extends object>(fields: T): fields is { [K in keyof T]: Exclude<T[K], undefined> } =>
  !Object.values(fields).includes(undefined)

/** A field that may be missing, or null. */
export const optional = <T>(value: unknown, read: (value: unknown) => T | undefined): T | null | undefined =>
  value === undefined || value === null ? null : read(value)

export const text =
  (most: number) =>
  (value: unknown): string | undefined =>
    typeof value === 'string' &&
    new RegExp(String.raw`^[^\0\ud800-\udfff]{1,${most}}$`, 'u').test(value.slice(0, 2 * most + 2))
      ? value
      : undefined

export const oneOf =
  (...words: readonly string[]) =>
  (value: unknown): string | undefined =>
    words.find((word) => word === value)

export const uuid = (value: unknown): string | undefined =>
  typeof value === 'string' && /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(value) && value.length === 36
    ? value.toLowerCase()
    : undefined

export const flag = (value: unknown): boolean | undefined => (typeof value === 'boolean' ? value : undefined)

/** −0 is 0. */
export const whole =
  (min: number, max: number) =>
  (value: unknown): number | undefined =>
    typeof value === 'number' && value >= min && value <= max && value % 1 === 0 ? value + 0 : undefined

/** Above 0 and below 10,000,000,000: hundredths, by the digits that tell the double from its neighbours. */
export function money(value: unknown): bigint | undefined {
  if (typeof value !== 'number' || value === 0) return undefined
  const [, units, decimals = ''] = /^(\d{1,10})(?:\.(\d\d?))?$/.exec(String(value)) ?? []
  return units === undefined ? undefined : BigInt(units + decimals.padEnd(2, '0'))
}

/** Hundredths as Postgres writes them. */
export const decimal = (hundredths: bigint): string =>
  String(hundredths).padStart(3, '0').replace(/..$/, '.$&')

const DATE = String.raw`(\d{4})-(0[1-9]|1[0-2])-(\d\d)`
const TIME = String.raw`([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.(\d{1,30}))?`
const RFC_3339 = new RegExp(String.raw`^${DATE}T${TIME}(?:Z|([+-])([01]\d|2[0-3]):([0-5]\d))$`)

/** Microseconds since 1970. */
export function instant(value: unknown): bigint | undefined {
  const match = typeof value === 'string' ? RFC_3339.exec(value) : null
  if (match === null) return undefined
  const days = daysSince1970(match.slice(1, 4).map(Number))
  if (days === undefined) return undefined
  const [hour, minute, second] = match.slice(4, 7).map(Number)
  const zone =
    match[8] === undefined ? 0 : Number(`${match[8]}1`) * (Number(match[9]) * 60 + Number(match[10]))
  const seconds = days * 86_400 + hour! * 3_600 + (minute! - zone) * 60 + second!
  return BigInt(seconds) * 1_000_000n + BigInt((match[7] ?? '').slice(0, 6).padEnd(6, '0'))
}

/** A date that exists: before the year 1 there is none. */
export function day(value: unknown): string | undefined {
  const match = typeof value === 'string' ? new RegExp(`^(?!0000)${DATE}$`).exec(value) : null
  return match === null || daysSince1970(match.slice(1).map(Number)) === undefined ? undefined : match[0]
}

function daysSince1970([year = 0, month = 0, dayOfMonth = 0]: readonly number[]): number | undefined {
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  const lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
  if (dayOfMonth < 1 || dayOfMonth > lengths[month - 1]!) return undefined
  const past = year - 1 // whole years since the year 1; −1 of the year 0, which floor rounds down
  const days = past * 365 + Math.floor(past / 4) - Math.floor(past / 100) + Math.floor(past / 400) - 719_163
  return lengths.slice(0, month - 1).reduce((sum, length) => sum + length, days + dayOfMonth)
}

const DAY_MICROS = 86_400_000_000n

/** At most 24 hours after, and so many days before Kafka's own time of the record, milliseconds since 1970. */
export function isInTime(micros: bigint, kafkaMs: number, mostDays: number): boolean {
  const since = micros - BigInt(kafkaMs) * 1_000n
  return since <= DAY_MICROS && since >= -BigInt(mostDays) * DAY_MICROS
}
