import type { Kafka } from './client.ts'
import { openLogReader } from './log-reader.ts'
import { askAdmin, clusterId, partitionBounds, type PartitionBounds } from './topics.ts'

/** A partition's bounds, and the end behind records of transactions that are still open. */
export interface PartitionEnd extends PartitionBounds {
  readonly highWatermark: number
}

export interface TopicsNow {
  readonly clusterId: string
  /** Of the topics that were asked for, those that are there. */
  readonly bounds: ReadonlyMap<string, readonly PartitionEnd[]>
}

/** Which of these topics are there, and how far each partition goes. @throws KafkaUnreachable */
export async function topicsNow(kafka: Kafka, topics: readonly string[]): Promise<TopicsNow> {
  const { id, found } = await askAdmin(kafka, async (admin) => {
    const there = await admin.listTopics()
    const all = topics.filter((topic) => there.includes(topic))
    const bounds = all.map(async (topic) => [topic, await partitionBounds(admin, topic)] as const)
    return { id: await clusterId(admin), found: await Promise.all(bounds) }
  })
  const bounds = new Map<string, PartitionEnd[]>()
  for (const [topic, partitions] of found)
    bounds.set(topic, await withHighWatermarks(kafka, topic, partitions))
  return { clusterId: id, bounds }
}

/** The admin's client lists last stable offsets only; each answer to a fetch has both. */
async function withHighWatermarks(
  kafka: Kafka,
  topic: string,
  partitions: readonly PartitionBounds[],
): Promise<PartitionEnd[]> {
  const reader = await openLogReader(kafka, topic)
  try {
    return await Promise.all(
      partitions.map(async (one) => {
        const { bounds } = await reader.fetch(one.partition, one.end, 1)
        return { ...one, highWatermark: bounds.highWatermark }
      }),
    )
  } finally {
    await reader.close()
  }
}
