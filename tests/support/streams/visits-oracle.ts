/** What must become of a visit by its bytes alone, by other means than the product's: patterns and BigInt. */
export interface Visit {
  readonly session: string
  readonly page: string
  readonly micros: bigint
  readonly kind: string
  readonly seconds: number | null
  readonly note: string | null
  /** With two decimals. */
  readonly basket: string | null
  readonly isNew: boolean
  readonly tags: readonly string[]
}

export type VisitVerdict =
  | { readonly code: 'malformed_json' | 'schema_violation' | 'timestamp_out_of_range' }
  | { readonly fact: Visit }

const DAY_MICROS = 86_400_000_000n

/** @param kafkaMs the record's own time in Kafka, milliseconds since 1970. */
export function judge(value: Buffer | null, kafkaMs: number): VisitVerdict {
  if (value === null || value.length > 1_048_576) return { code: 'schema_violation' }
  let said: Readonly<Record<string, unknown>>
  try {
    said = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value))
  } catch {
    return { code: 'malformed_json' }
  }
  if (said === null || typeof said !== 'object' || Array.isArray(said)) return { code: 'schema_violation' }
  const { session, page, kind, seconds = null, note = null, is_new: isNew = false, tags } = said
  const micros = instant(said['at'])
  const basket = (said['basket'] ?? null) === null ? null : amount(said['basket'])
  if (!isText(session, 40) || !isText(page, 200) || micros === undefined || !isOneOfThree(kind))
    return { code: 'schema_violation' }
  if (!isSeconds(seconds) || !(note === null || isText(note, 20)) || basket === undefined)
    return { code: 'schema_violation' }
  if (typeof isNew !== 'boolean' || !Array.isArray(tags) || !tags.every((tag) => isText(tag, 9)))
    return { code: 'schema_violation' }
  const since = micros - BigInt(kafkaMs) * 1_000n
  if (since > DAY_MICROS || since < -1_095n * DAY_MICROS) return { code: 'timestamp_out_of_range' }
  return { fact: { session, page, micros, kind, seconds, note, basket, isNew, tags } }
}

const isText = (value: unknown, most: number): value is string =>
  typeof value === 'string' &&
  new RegExp(String.raw`^[^\0\ud800-\udfff]{1,${most}}$`, 'u').test(value.slice(0, 2 * most + 2))
const isOneOfThree = (value: unknown): value is string =>
  typeof value === 'string' && /^(view|search|purchase)$/.test(value)
const isSeconds = (value: unknown): value is number | null =>
  value === null || (typeof value === 'number' && value >= 0 && value <= 86_400 && value % 1 === 0)

function amount(value: unknown): string | undefined {
  if (typeof value !== 'number' || value === 0) return undefined
  const [, whole, decimals = ''] = /^(\d{1,10})(?:\.(\d\d?))?$/.exec(String(value)) ?? []
  return whole === undefined ? undefined : `${whole}.${decimals.padEnd(2, '0')}`
}

const DATE = String.raw`(\d{4})-(0[1-9]|1[0-2])-(\d\d)`
const TIME = String.raw`([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.(\d{1,30}))?`
const RFC_3339 = new RegExp(String.raw`^${DATE}T${TIME}(?:Z|([+-])([01]\d|2[0-3]):([0-5]\d))$`)

function instant(value: unknown): bigint | undefined {
  const match = typeof value === 'string' ? RFC_3339.exec(value) : null
  if (match === null) return undefined
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as number[] & { 0: number }
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  const lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
  if (day! < 1 || day! > lengths[month! - 1]!) return undefined
  const past = year - 1 // whole years since the year 1; −1 of the year 0, which floor rounds down
  let days = past * 365 + Math.floor(past / 4) - Math.floor(past / 100) + Math.floor(past / 400) - 719_163
  for (const length of [...lengths.slice(0, month! - 1), day!]) days += length
  const zone =
    match[8] === undefined ? 0 : Number(`${match[8]}1`) * (Number(match[9]) * 60 + Number(match[10]))
  const seconds = days * 86_400 + hour! * 3_600 + (minute! - zone) * 60 + second!
  return BigInt(seconds) * 1_000_000n + BigInt((match[7] ?? '').slice(0, 6).padEnd(6, '0'))
}
