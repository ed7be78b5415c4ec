/**
 * Arrays in Postgres' binary format (src/backend/utils/adt/arrayfuncs.c, array_recv), which pg sends as
 * they are when a parameter is a Buffer. Against array literals this saves Postgres the parsing of every
 * number and date: 15 % of its CPU in a load (docs/PERFORMANCE.md).
 */

const OID = {
  bool: 16,
  bytea: 17,
  int8: 20,
  int4: 23,
  text: 25,
  timestamptz: 1184,
  numeric: 1700,
  uuid: 2950,
}
const HEADER_BYTES = 20
/** Where the header says whether an element is null. */
const HAS_NULLS_AT = 4
/** An empty array has no dimensions, so neither their length nor their lower bound. */
const EMPTY_BYTES = 12
/** Microseconds from 1970 to 2000, where Postgres' clock begins. */
const POSTGRES_EPOCH_MICROS = 946_684_800_000_000
const TWO_TO_32 = 4_294_967_296
/** NUMERIC_NEG. */
const NEGATIVE = 0x4000

type Nullable<T> = readonly (T | null)[]

/** One-dimensional, every element `size` bytes; a null's length is −1. */
function fixed<T>(
  oid: number,
  size: number,
  values: Nullable<T>,
  write: (to: Buffer, value: T, at: number) => void,
): Buffer {
  const buffer = Buffer.allocUnsafe(HEADER_BYTES + values.length * (4 + size))
  let at = writeHeader(buffer, oid, values.length)
  for (const value of values) {
    if (value === null) {
      at = writeNull(buffer, at)
      continue
    }
    buffer.writeInt32BE(size, at)
    write(buffer, value, at + 4)
    at += 4 + size
  }
  return buffer.subarray(0, at)
}

function writeHeader(buffer: Buffer, oid: number, length: number): number {
  buffer.writeInt32BE(length === 0 ? 0 : 1, 0) // dimensions
  buffer.writeInt32BE(0, HAS_NULLS_AT)
  buffer.writeInt32BE(oid, 8)
  if (length === 0) return EMPTY_BYTES
  buffer.writeInt32BE(length, 12)
  buffer.writeInt32BE(1, 16) // lower bound
  return HEADER_BYTES
}

function writeNull(buffer: Buffer, at: number): number {
  buffer.writeInt32BE(1, HAS_NULLS_AT)
  return buffer.writeInt32BE(-1, at)
}

export const bools = (values: Nullable<boolean>) =>
  fixed(OID.bool, 1, values, (to, value, at) => to.writeInt8(value ? 1 : 0, at))

export const int4s = (values: Nullable<number>) =>
  fixed(OID.int4, 4, values, (to, value, at) => to.writeInt32BE(value, at))

export const int8s = (values: Nullable<number>) => fixed(OID.int8, 8, values, writeInt64)

/** @param values microseconds since 1970, UTC. */
export const timestamps = (values: Nullable<number>) =>
  fixed(OID.timestamptz, 8, values, (to, micros, at) => writeInt64(to, micros - POSTGRES_EPOCH_MICROS, at))

/** @param values in the 8-4-4-4-12 form. */
export const uuids = (values: Nullable<string>) =>
  fixed(OID.uuid, 16, values, (to, value, at) => to.write(value.replaceAll('-', ''), at, 'hex'))

export function texts(values: Nullable<string>): Buffer {
  const sizes = values.map((value) => (value === null ? -1 : Buffer.byteLength(value)))
  const buffer = Buffer.allocUnsafe(sizes.reduce((sum, size) => sum + size + 5, HEADER_BYTES))
  let at = writeHeader(buffer, OID.text, values.length)
  for (const [i, value] of values.entries()) {
    if (value === null) {
      at = writeNull(buffer, at)
      continue
    }
    buffer.writeInt32BE(sizes[i]!, at)
    buffer.write(value, at + 4)
    at += 4 + sizes[i]!
  }
  return buffer.subarray(0, at)
}

/** As text, pg would write each byte as two digits, in a string as long as all of them. */
export function byteas(values: Nullable<Buffer>): Buffer {
  const bytes = values.reduce((sum, value) => sum + 4 + (value?.length ?? 0), HEADER_BYTES)
  const buffer = Buffer.allocUnsafe(bytes)
  let at = writeHeader(buffer, OID.bytea, values.length)
  for (const value of values) {
    if (value === null) {
      at = writeNull(buffer, at)
      continue
    }
    buffer.writeInt32BE(value.length, at)
    at += 4 + value.copy(buffer, at + 4)
  }
  return buffer.subarray(0, at)
}

/**
 * Numerics of scale 2.
 *
 * @param values whole hundredths, their magnitude below 9 · 10^17.
 */
export function hundredths(values: Nullable<number | bigint>): Buffer {
  const buffer = Buffer.allocUnsafe(HEADER_BYTES + values.length * 24)
  let at = writeHeader(buffer, OID.numeric, values.length)
  for (const value of values)
    at = value === null ? writeNull(buffer, at) : writeNumeric(buffer, at, value, 100, 2)
  return buffer.subarray(0, at)
}

/**
 * Numerics, each of a scale of its own.
 *
 * @param values `minor` is a safe integer, of which `exponent`, 0 to 4, digits are decimals.
 */
export function amounts(values: Nullable<{ readonly minor: number; readonly exponent: number }>): Buffer {
  const buffer = Buffer.allocUnsafe(HEADER_BYTES + values.length * 24)
  let at = writeHeader(buffer, OID.numeric, values.length)
  for (const value of values)
    at =
      value === null
        ? writeNull(buffer, at)
        : writeNumeric(buffer, at, value.minor, 10 ** value.exponent, value.exponent)
  return buffer.subarray(0, at)
}

/**
 * src/backend/utils/adt/numeric.c, numeric_recv: groups of four decimal digits, the weight of the first, sign, scale.
 *
 * @param signed whole units, of which `one` (1 to 10,000, a power of ten) are 1.
 */
function writeNumeric(
  buffer: Buffer,
  at: number,
  signed: number | bigint,
  one: number,
  scale: number,
): number {
  const value = signed < 0 ? -signed : signed
  const whole = typeof value === 'bigint' ? Number(value / BigInt(one)) : Math.floor(value / one)
  const rest = typeof value === 'bigint' ? Number(value % BigInt(one)) : value % one
  const groups = [
    Math.floor(whole / 1e12),
    Math.floor(whole / 1e8) % 1e4,
    Math.floor(whole / 1e4) % 1e4,
    whole % 1e4,
    rest * (1e4 / one),
  ]
  const first = groups.findIndex((group) => group !== 0)
  const last = groups.findLastIndex((group) => group !== 0)
  const digits = first < 0 ? 0 : last - first + 1
  buffer.writeInt32BE(8 + 2 * digits, at)
  buffer.writeInt16BE(digits, at + 4)
  buffer.writeInt16BE(digits === 0 ? 0 : 3 - first, at + 6)
  buffer.writeUInt16BE(signed < 0 ? NEGATIVE : 0, at + 8)
  buffer.writeUInt16BE(scale, at + 10)
  at += 12
  for (let i = first; i >= 0 && i <= last; i++, at += 2) buffer.writeInt16BE(groups[i]!, at)
  return at
}

function writeInt64(to: Buffer, value: number, at: number): void {
  const high = Math.floor(value / TWO_TO_32)
  to.writeInt32BE(high, at)
  to.writeUInt32BE(value - high * TWO_TO_32, at + 4)
}
