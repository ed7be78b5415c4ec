import { clusterId, partitionBounds, withAdmin } from '../../../etl/kafka/topics.ts'
import { readProgress, type Progress } from '../../../etl/warehouse/progress.ts'
import { CommandFailed } from '../errors.ts'
import type { Session } from '../session.ts'

/** A partition's watermark beside what Kafka says of its log now. */
export interface PartitionNow {
  readonly progress: Progress
  readonly clusterId: string
  readonly start: number
  /** Last stable offset. */
  readonly end: number
}

/** @throws CommandFailed where the warehouse or Kafka doesn't have it. */
export async function lookAt({ config, pool, kafka }: Session, partition: number): Promise<PartitionNow> {
  const topic = config.KAFKA_TOPIC
  const progress = await readProgress(pool, { topic, partition })
  if (progress === undefined) {
    throw new CommandFailed(
      `${topic}/${partition} has no watermark: the job was never there, and will begin where its log begins.`,
    )
  }
  return withAdmin(kafka, async (admin) => {
    const id = await clusterId(admin)
    const bounds = (await admin.listTopics()).includes(topic) ? await partitionBounds(admin, topic) : []
    const log = bounds.find((one) => one.partition === partition)
    if (log === undefined) throw new CommandFailed(`Kafka has no ${topic}/${partition}: run npm run topics`)
    return { progress, clusterId: id, start: log.start, end: log.end }
  })
}
