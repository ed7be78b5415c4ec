import type { Admin, Kafka } from 'kafkajs'
import { createCluster } from './internals.ts'
import { whileRetriable } from './topics.ts'

/** How far a group says that it is in a partition, and what its committer wrote beside it. */
export interface GroupOffset {
  /** −1 where nothing was committed. */
  readonly offset: number
  /** Empty where nothing was written. */
  readonly metadata: string
}

/** What the group has committed, for every partition of the topic. */
export async function groupOffsets(
  admin: Admin,
  groupId: string,
  topic: string,
): Promise<Map<number, GroupOffset>> {
  const topics = await whileRetriable(() => admin.fetchOffsets({ groupId, topics: [topic] }))
  return new Map(
    (topics[0]?.partitions ?? []).map(({ partition, offset, metadata }) => [
      partition,
      { offset: Number(offset), metadata: metadata ?? '' },
    ]),
  )
}

/**
 * Commits for a group without being in it. The broker takes that only of a group that has no members, in one
 * step with looking whether it has: nobody who is at work loses what it committed.
 *
 * @returns false where the group has members; then nothing was written.
 */
export async function commitFromOutside(
  kafka: Kafka,
  groupId: string,
  topic: string,
  offsets: ReadonlyMap<number, GroupOffset>,
): Promise<boolean> {
  const cluster = createCluster(kafka)
  await cluster.connect()
  try {
    const coordinator = await cluster.findGroupCoordinator({ groupId })
    await coordinator.offsetCommit({
      groupId,
      groupGenerationId: -1,
      memberId: '',
      topics: [
        {
          topic,
          partitions: [...offsets].map(([partition, { offset, metadata }]) => ({
            partition,
            offset: String(offset),
            metadata,
          })),
        },
      ],
    })
    return true
  } catch (error) {
    if (error instanceof Error && 'type' in error && error.type === 'UNKNOWN_MEMBER_ID') return false
    throw error
  } finally {
    await cluster.disconnect()
  }
}
