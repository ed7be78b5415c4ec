import { PartitionCursor } from '../../../../etl/kafka/cursor.ts'
import { OffsetOutOfRange, type LogReader } from '../../../../etl/kafka/log-reader.ts'
import type { SourceRecord } from '../../../../etl/types.ts'

/** A stretch of a partition's log: its records, or that the log no longer holds it. */
export type LogPart =
  | {
      readonly kind: 'records'
      readonly from: number
      readonly to: number
      readonly records: readonly SourceRecord[]
    }
  | { readonly kind: 'gone'; readonly from: number; readonly to: number }

const RECORDS = 2_000
const BYTES = 4 * 1024 * 1024

/**
 * Reads a partition again, committed records only, part by part without a gap between them. What retention
 * has taken, before or while we read, comes as a part that is gone.
 *
 * @param logStart asks Kafka where the log begins now.
 */
export async function* readLog(
  reader: LogReader,
  partition: number,
  from: number,
  end: number,
  logStart: () => Promise<number>,
): AsyncGenerator<LogPart> {
  let cursor = new PartitionCursor(reader, partition, from)
  for (let position = from; position < end;) {
    const part = await nextPart(cursor, position, end, logStart)
    // Nothing is left below the end although it was not reached: compaction can do that.
    if (part.to <= position) return
    yield part
    position = part.to
    if (part.kind === 'gone') cursor = new PartitionCursor(reader, partition, position)
  }
}

async function nextPart(
  cursor: PartitionCursor,
  position: number,
  end: number,
  logStart: () => Promise<number>,
): Promise<LogPart> {
  try {
    const slice = await cursor.next({ end, maxRecords: RECORDS, maxBytes: BYTES })
    return { kind: 'records', from: position, to: slice?.to ?? end, records: slice?.records ?? [] }
  } catch (error) {
    if (!(error instanceof OffsetOutOfRange)) throw error
    const start = Math.min(end, await logStart())
    if (start <= position) throw error
    return { kind: 'gone', from: position, to: start }
  }
}
