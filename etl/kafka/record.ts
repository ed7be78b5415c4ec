/**
 * A record as Kafka delivers it; knows no client.
 *
 * Offsets are plain numbers: Kafka's are 64-bit, but a partition that took a million records a
 * second would need 285 years to leave the safe integers, and the decoder refuses one that does.
 */

/** A record header; a key may occur more than once, and order is kept. */
export interface RecordHeader {
  readonly key: string
  readonly value: Buffer | null
}

/** The header that names, by its origin, the first dead letter that a record was sent again for. */
export const REDRIVE_OF = 'redrive-of'

/** A record as Kafka delivered it: bytes, and where and when they were stored. */
export interface SourceRecord {
  readonly offset: number
  /** Kafka's own timestamp of the record (LogAppendTime), milliseconds since the epoch. */
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[]
  /** Set where the record batch could not be decoded: why. `value` then holds the bytes as stored, on the first record. */
  readonly undecodable?: string
}

/** What a header takes in memory besides its bytes, about: many of them may be empty. */
const HEADER_OVERHEAD = 128

/** What a record weighs where batches and statements are bounded: its key, value and headers. */
export function recordBytes({ key, value, headers }: SourceRecord): number {
  let bytes = (key?.length ?? 0) + (value?.length ?? 0)
  for (const header of headers) bytes += header.key.length + (header.value?.length ?? 0) + HEADER_OVERHEAD
  return bytes
}
