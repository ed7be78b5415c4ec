import type { Random } from '../../producer/random.ts'

/** A message field by field, each as the JSON text that stands for its value. */
export type Fields = Readonly<Record<string, string>>

/** Offsets of a month for which every time in these tests was chosen: the records' own time in Kafka, milliseconds. */
export const KAFKA_MS = Date.UTC(2026, 0, 15, 12)

/** One JSON object; a field that is twice in the list is twice in the text. */
export function text(fields: Fields | readonly (readonly [string, string])[]): string {
  const entries = Array.isArray(fields) ? fields : Object.entries(fields)
  return `{${entries.map(([name, value]) => `${quoted(name)}:${value}`).join(',')}}`
}

export const quoted = (value: string): string => JSON.stringify(value)

export function aUuid(random: Random): string {
  const hex = () => random.uint32().toString(16).padStart(8, '0')
  const digits = hex() + hex() + hex() + hex()
  return [0, 8, 12, 16, 20].map((at, i) => digits.slice(at, [8, 12, 16, 20, 32][i])).join('-')
}

/** In UTC, to the microsecond. */
export function rfc3339(micros: bigint): string {
  const ms = micros / 1_000n - (micros % 1_000n < 0n ? 1n : 0n)
  return new Date(Number(ms)).toISOString().replace('Z', `${String(micros - ms * 1_000n).padStart(3, '0')}Z`)
}
