import type { SourceRecord } from './record.ts'
import { PartitionCursor } from './cursor.ts'
import { OffsetOutOfRange, type LogReader } from './log-reader.ts'

/** A stretch of a partition's log: its records, or that the log no longer holds it. */
export type LogPart = { readonly from: number; readonly to: number } & (
  | { readonly kind: 'records'; readonly records: readonly SourceRecord[] }
  | { readonly kind: 'gone' }
)

export interface PartLimits {
  readonly maxRecords: number
  /** A single record may be larger. */
  readonly maxBytes: number
}

/**
 * Reads a range of a partition, committed records only, in parts that tile it. What retention has taken,
 * before or while we read, comes as a part that is gone.
 *
 * @param logStart asks Kafka where the log begins now.
 */
export async function* readParts(
  reader: LogReader,
  partition: number,
  range: { readonly from: number; readonly to: number },
  limits: PartLimits,
  logStart: () => Promise<number>,
): AsyncGenerator<LogPart> {
  let cursor = new PartitionCursor(reader, partition, range.from)
  for (let from = range.from; from < range.to;) {
    const part = await nextPart(cursor, from, range.to, limits, logStart)
    yield part
    from = part.to
    if (part.kind === 'gone') cursor = new PartitionCursor(reader, partition, from)
  }
}

async function nextPart(
  cursor: PartitionCursor,
  from: number,
  end: number,
  limits: PartLimits,
  logStart: () => Promise<number>,
): Promise<LogPart> {
  try {
    const slice = await cursor.next({ ...limits, end })
    // Nothing before the end, though it was not reached: compaction and aborted transactions leave gaps.
    const to = slice === undefined || slice.to === from ? end : Math.min(slice.to, end)
    return { kind: 'records', from, to, records: slice?.records ?? [] }
  } catch (error) {
    if (!(error instanceof OffsetOutOfRange)) throw error
    const start = Math.min(end, await logStart())
    if (start <= from) throw error
    return { kind: 'gone', from, to: start }
  }
}
