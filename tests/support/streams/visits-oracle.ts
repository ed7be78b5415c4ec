/**
 * What must become of a visit by its bytes alone, read by other means than the product's: regular expressions, days
 * counted from the calendar, BigInt microseconds.
 */
export interface Visit {
  readonly session: string
  readonly page: string
  /** Microseconds since 1970. */
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
  const {
    session,
    page,
    kind,
    seconds = null,
    note = null,
    basket = null,
    is_new: isNew = false,
    tags,
  } = said
  const micros = instant(said['at'])
  const money = basket === null ? null : amount(basket)
  if (!isText(session, 40) || !isText(page, 200) || micros === undefined || money === undefined)
    return { code: 'schema_violation' }
  if (kind !== 'view' && kind !== 'search' && kind !== 'purchase') return { code: 'schema_violation' }
  if (seconds !== null && !(Number.isInteger(seconds) && Number(seconds) >= 0 && Number(seconds) <= 86_400))
    return { code: 'schema_violation' }
  if ((note !== null && !isText(note, 20)) || typeof isNew !== 'boolean') return { code: 'schema_violation' }
  if (!Array.isArray(tags) || !tags.every((tag) => isText(tag, 9))) return { code: 'schema_violation' }
  const since = micros - BigInt(kafkaMs) * 1_000n
  if (since > DAY_MICROS || since < -1_095n * DAY_MICROS) return { code: 'timestamp_out_of_range' }
  const visit = { session, page, micros, kind, seconds: seconds as number | null, note, basket: money }
  return { fact: { ...visit, isNew, tags } }
}

const isText = (value: unknown, most: number): value is string =>
  typeof value === 'string' &&
  new RegExp(String.raw`^[^\0\ud800-\udfff]{1,${most}}$`, 'u').test(value.slice(0, 2 * most + 2))

function amount(value: unknown): string | undefined {
  const [, whole, decimals = ''] =
    (typeof value === 'number' && /^(\d{1,10})(?:\.(\d\d?))?$/.exec(String(value))) || []
  return whole === undefined || value === 0 ? undefined : `${whole}.${decimals.padEnd(2, '0')}`
}

const RFC_3339 =
  /^(\d{4})-(0[1-9]|1[0-2])-(\d\d)T([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.(\d{1,30}))?(?:Z|([+-])([01]\d|2[0-3]):([0-5]\d))$/

function instant(value: unknown): bigint | undefined {
  const match = typeof value === 'string' ? RFC_3339.exec(value) : null
  if (match === null) return undefined
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [number, ...number[]]
  const ofMonth = (m: number) =>
    m === 2 ? 28 + Number(isLeap(year)) : m === 4 || m === 6 || m === 9 || m === 11 ? 30 : 31
  if (day! < 1 || day! > ofMonth(month!)) return undefined
  const years = year - 1 // whole ones since the year 1; −1 before it, which the quotients round down
  let days =
    years * 365 + Math.floor(years / 4) - Math.floor(years / 100) + Math.floor(years / 400) + day! - 1
  for (let before = 1; before < month!; before++) days += ofMonth(before)
  const ahead =
    match[8] === undefined ? 0 : Number(`${match[8]}1`) * (Number(match[9]) * 60 + Number(match[10]))
  const seconds = (days - 719_162) * 86_400 + hour! * 3_600 + (minute! - ahead) * 60 + second!
  return BigInt(seconds) * 1_000_000n + BigInt((match[7] ?? '').slice(0, 6).padEnd(6, '0'))
}

const isLeap = (year: number) => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
