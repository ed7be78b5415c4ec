import type { Kafka } from './client.ts'
import { PartitionCursor } from './cursor.ts'
import { openLogReader } from './log-reader.ts'
import type { SourceRecord } from './record.ts'
import { askAdmin, partitionBounds } from './topics.ts'

const SLICE_BYTES = 64 * 1024 * 1024

/** There is no such topic to read. */
export class NoTopic extends Error {
  override readonly name = 'NoTopic'
}

/**
 * The last records of a topic, about as many of each partition, slice by slice. Reads without a group, so it leaves no
 * trace. What is produced meanwhile is not read.
 *
 * @param last so many offsets at most, all partitions together; a partition's share is rounded up.
 * @throws NoTopic, KafkaUnreachable.
 */
export async function* lastRecords(
  kafka: Kafka,
  topic: string,
  last: number,
): AsyncGenerator<{ readonly partition: number; readonly records: readonly SourceRecord[] }> {
  const bounds = await askAdmin(kafka, async (admin) => {
    if (!(await admin.listTopics()).includes(topic)) throw new NoTopic(`there is no topic ${topic}`)
    return partitionBounds(admin, topic)
  })
  const share = Math.ceil(last / bounds.length)
  const reader = await openLogReader(kafka, topic)
  try {
    for (const { partition, start, end } of bounds) {
      const cursor = new PartitionCursor(reader, partition, Math.max(start, end - share))
      for (;;) {
        const slice = await cursor.next({ end, maxRecords: share, maxBytes: SLICE_BYTES })
        if (slice === undefined) break
        yield { partition, records: slice.records }
      }
    }
  } finally {
    await reader.close()
  }
}
