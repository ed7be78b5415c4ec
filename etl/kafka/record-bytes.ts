import type { SourceRecord } from '../stream/types.ts'

/** What a header takes in memory besides its bytes, about: many of them may be empty. */
const HEADER_OVERHEAD = 128

/** What a record weighs where batches and statements are bounded: its key, value and headers. */
export function recordBytes({ key, value, headers }: SourceRecord): number {
  let bytes = (key?.length ?? 0) + (value?.length ?? 0)
  for (const header of headers) bytes += header.key.length + (header.value?.length ?? 0) + HEADER_OVERHEAD
  return bytes
}
