import type { Admin, Kafka } from '../kafka/client.ts'
import { groupOffsets, type GroupOffset } from '../kafka/group-offsets.ts'
import { askAdmin, clusterId, partitionBounds } from '../kafka/topics.ts'
import type { LogNow } from './known-log.ts'

/** What Kafka says of a topic and of the group that reads it. Read before any watermark is. */
export interface KafkaNow {
  readonly logs: ReadonlyMap<number, LogNow>
  readonly group: ReadonlyMap<number, GroupOffset>
}

/** A busy broker may take a while; for one that hangs kafkajs alone would wait minutes. */
const PATIENCE_MS = 30_000

/** @throws KafkaUnreachable */
export function readKafkaNow(kafka: Kafka, topic: string, groupId: string): Promise<KafkaNow> {
  const work = async (admin: Admin): Promise<KafkaNow> => {
    const id = await clusterId(admin)
    const bounds = await partitionBounds(admin, topic)
    // After the bounds, with which the client learns of the brokers: or it looks for the coordinator twice, 200 ms apart.
    const group = await groupOffsets(admin, groupId, topic)
    const logs = bounds.map(
      ({ partition, start, end }) => [partition, { clusterId: id, start, end }] as const,
    )
    return { logs: new Map(logs), group }
  }
  return askAdmin(kafka, work, PATIENCE_MS)
}
