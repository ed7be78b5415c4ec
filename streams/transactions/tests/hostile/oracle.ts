import { isCurrencyCode } from './iso-4217.ts'

/**
 * What must become of a record by its bytes alone: a second reading of the message contract, written after
 * its words and by other means than the product's (calendar of Date, decimal digits, BigInt microseconds).
 * Shares nothing with etl/ and must never call it.
 */
export type Verdict =
  | { readonly code: 'malformed_json' | 'schema_violation' | 'timestamp_out_of_range' }
  | { readonly order: Order }

/** What an order says, as the warehouse gives it back. */
export interface Order {
  readonly orderId: string
  /** With two decimals. */
  readonly amount: string
  readonly currency: string
  /** Microseconds since 1970. */
  readonly micros: bigint
  readonly customerId: string
  readonly productCategory: string
}

const MAX_BYTES = 1_048_576
const HOUR_MICROS = 3_600_000_000n
const MAX_AGE_DAYS = 1_095n

/** @param kafkaMs the record's own time in Kafka, milliseconds since 1970. */
export function judge(value: Buffer | null, kafkaMs: number): Verdict {
  if (value === null || value.length > MAX_BYTES) return { code: 'schema_violation' }
  let message: unknown
  try {
    // Fatal refuses what is no UTF-8; a BOM is kept, and no JSON begins with one.
    message = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value))
  } catch {
    return { code: 'malformed_json' }
  }
  if (typeof message !== 'object' || message === null || Array.isArray(message))
    return { code: 'schema_violation' }
  return judgeFields(new Map(Object.entries(message)), kafkaMs)
}

function judgeFields(fields: ReadonlyMap<string, unknown>, kafkaMs: number): Verdict {
  const orderId = uuid(fields.get('order_id'))
  const amount = money(fields.get('amount'))
  const currency = fields.get('currency')
  const micros = instant(fields.get('timestamp'))
  const customerId = fields.get('customer_id')
  const productCategory = fields.get('product_category')
  if (
    orderId === undefined ||
    amount === undefined ||
    micros === undefined ||
    typeof currency !== 'string' ||
    !isCurrencyCode(currency) ||
    !isShortText(customerId) ||
    !isShortText(productCategory)
  )
    return { code: 'schema_violation' }
  const kafkaMicros = BigInt(kafkaMs) * 1_000n
  const latest = kafkaMicros + 24n * HOUR_MICROS
  const earliest = kafkaMicros - MAX_AGE_DAYS * 24n * HOUR_MICROS
  if (micros > latest || micros < earliest) return { code: 'timestamp_out_of_range' }
  return { order: { orderId, amount, currency, micros, customerId, productCategory } }
}

const DASHES = [8, 13, 18, 23]

function uuid(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length !== 36) return undefined
  const asWritten = Array.from(value).every((character, at) =>
    DASHES.includes(at) ? character === '-' : '0123456789abcdefABCDEF'.includes(character),
  )
  return asWritten ? value.toLowerCase() : undefined
}

/** A double writes itself with the fewest digits that tell it from its neighbours: those are its decimals. */
function money(value: unknown): string | undefined {
  if (typeof value !== 'number' || !(value > 0 && value < 10_000_000_000)) return undefined
  const [whole = '', decimals = '', ...rest] = String(value).split('.')
  if (rest.length > 0 || decimals.length > 2 || !isDigits(whole) || !isDigits(decimals)) return undefined
  return `${whole}.${decimals.padEnd(2, '0')}`
}

const isDigits = (text: string) => Array.from(text).every((character) => character >= '0' && character <= '9')

/** 2026-01-31T23:59:59.5+02:00, read from both ends by position. */
function instant(value: unknown): bigint | undefined {
  if (typeof value !== 'string') return undefined
  const zone = value.endsWith('Z') ? 'Z' : value.slice(-6)
  const offset = zone === 'Z' ? 0n : zoneMinutes(zone)
  const local = value.slice(0, value.length - zone.length)
  const second = local.slice(0, 19)
  const fraction = local.slice(19)
  if (offset === undefined || !isSecond(second)) return undefined
  if (fraction !== '' && !(fraction.startsWith('.') && fraction.length >= 2 && fraction.length <= 31))
    return undefined
  const digits = fraction.slice(1)
  if (!isDigits(digits)) return undefined
  const micros = BigInt(Date.parse(`${second}Z`)) * 1_000n + BigInt(digits.slice(0, 6).padEnd(6, '0'))
  return micros - offset * 60_000_000n
}

/** Whether Date gives back exactly what was written: it carries what does not exist over to the next day. */
function isSecond(text: string): boolean {
  const time = Date.parse(`${text}Z`)
  return !Number.isNaN(time) && new Date(time).toISOString() === `${text}.000Z`
}

function zoneMinutes(zone: string): bigint | undefined {
  const hours = zone.slice(1, 3)
  const minutes = zone.slice(4, 6)
  const isZone =
    zone.length === 6 && '+-'.includes(zone.charAt(0)) && zone.charAt(3) === ':' && isDigits(hours + minutes)
  if (!isZone || Number(hours) > 23 || Number(minutes) > 59) return undefined
  return BigInt(`${zone.charAt(0) === '-' ? '-' : ''}${Number(hours) * 60 + Number(minutes)}`)
}

function isShortText(value: unknown): value is string {
  if (typeof value !== 'string') return false
  const characters = Array.from(value.slice(0, 102))
  if (characters.length < 1 || characters.length > 50) return false
  // Read by code points, a surrogate that stands alone is one of its own.
  return characters.every((character) => {
    const point = character.codePointAt(0)!
    return point !== 0 && (point < 0xd800 || point > 0xdfff)
  })
}
