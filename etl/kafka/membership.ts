import type { Kafka } from 'kafkajs'
import type { Logger } from '../process/log.ts'
import { asRefusal } from './errors.ts'

/**
 * This worker's place in the consumer group: which partitions are its own, and the group's offsets.
 * The group consumer never fetches: all its partitions stay paused, it only heartbeats, joins and
 * commits (see docs/decisions/0001-pull-based-extract.md). What the group believes is a hint; that no
 * partition is loaded twice is the warehouse's row lock to see to.
 */
export interface Membership {
  /** Takes a place in the group; nothing where it has one or is about to. */
  join(): Promise<void>
  /** Gives the place back, so that others have its partitions at once; `join` takes one again. */
  stepAside(): Promise<void>
  /** The partitions that are ours now, ascending; empty while the group rebalances. */
  partitions(): readonly number[]
  /** Resolves when the group gave us our partitions for the first time, be it none. */
  joined(): Promise<void>
  /**
   * Tells the group (and lag tools) how far a partition is loaded, with the owner beside it.
   *
   * @returns false where the group refused, as in a rebalance: the watermark in the warehouse covers it.
   */
  commit(partition: number, nextOffset: number): Promise<boolean>
  leave(): Promise<void>
  /** Whether the group has us as a member now, with partitions or without; not while it rebalances or Kafka is gone. */
  isMember(): boolean
  /** Whether we stay out of the group by our own will. */
  standsAside(): boolean
  /** How often the group took our partitions back, to share them out anew or because it lost us. */
  rebalances(): number
}

export interface MembershipOptions {
  readonly topic: string
  readonly groupId: string
  readonly sessionTimeoutMs: number
  /** Goes into the metadata of every offset: whose the group is. */
  readonly owner: string
  readonly logger: Logger
  /** The consumer has ended for good; the process should too, so that its supervisor starts it again. */
  readonly onCrash: (error: Error) => void
}

/** A connected consumer, not yet in its group. */
export async function openMembership(kafka: Kafka, options: MembershipOptions): Promise<Membership> {
  const { topic, groupId, sessionTimeoutMs, owner, logger } = options
  const consumer = kafka.consumer({
    groupId,
    sessionTimeout: sessionTimeoutMs,
    heartbeatInterval: Math.min(3_000, Math.floor(sessionTimeoutMs / 4)),
    maxWaitTimeInMs: 500,
    allowAutoTopicCreation: false,
    retry: { initialRetryTime: 200, maxRetryTime: 5_000, retries: 5 },
  })
  let partitions: readonly number[] = []
  let place: 'none' | 'wanted' | 'given back' = 'none'
  let isMember = false
  let rebalances = 0
  const joined = Promise.withResolvers<void>()

  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    // Runs before the first fetch of the generation, so that there is none.
    consumer.pause([{ topic }])
    partitions = (payload.memberAssignment[topic] ?? []).toSorted((a, b) => a - b)
    isMember = true
    logger.info({ partitions, group: groupId }, 'joined the group')
    joined.resolve()
  })
  const lose = () => {
    partitions = []
    isMember = false
  }
  consumer.on(consumer.events.REBALANCING, () => {
    lose()
    rebalances += 1
    logger.info({ group: groupId }, 'the group rebalances')
  })
  consumer.on(consumer.events.STOP, lose)
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    lose()
    rebalances += 1
    if (payload.restart) logger.warn({ err: payload.error }, 'lost the group, joining again')
    else options.onCrash(asRefusal(payload.error, `Read on group ${groupId}`) as Error)
  })

  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })

  return {
    join: async () => {
      if (place === 'wanted') return
      place = 'wanted'
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        eachBatch: () => Promise.resolve(),
      })
    },
    stepAside: async () => {
      if (place === 'wanted') await consumer.stop()
      place = 'given back'
    },
    partitions: () => partitions,
    joined: () => joined.promise,
    commit: async (partition, nextOffset) => {
      if (!partitions.includes(partition)) return false
      try {
        await consumer.commitOffsets([{ topic, partition, offset: String(nextOffset), metadata: owner }])
        return true
      } catch (error) {
        logger.warn({ err: error, partition, offset: nextOffset }, 'loaded, but the group refused the offset')
        return false
      }
    },
    leave: () => consumer.disconnect(),
    isMember: () => isMember,
    standsAside: () => place === 'given back',
    rebalances: () => rebalances,
  }
}
