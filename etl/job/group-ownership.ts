import type { Pool } from 'pg'
import { plain } from '../text/excerpt.ts'
import type { KafkaNow } from './kafka-now.ts'
import type { Membership } from '../kafka/membership.ts'
import { ensureProgress } from '../ledger/first-watermark.ts'
import { endStops, readAllProgress, stopPartition } from '../ledger/watermark.ts'
import { beginTopic, type Begun } from './begin-topic.ts'

export interface GroupCheck extends Begun {
  readonly pool: Pool
  readonly membership: Pick<Membership, 'join' | 'stepAside'>
  readonly groupId: string
  /** This warehouse, as it stands in the metadata of the group's offsets. */
  readonly owner: string
}

/** Owners other than us in the group's offsets. No metadata is an older version's or an administrator's. */
export function otherOwners(group: KafkaNow['group'], owner: string): string[] {
  const written = [...group.values()].map(({ metadata }) => metadata)
  return [...new Set(written.filter((one) => one !== '' && one !== owner))].map((one) => plain(one, 200))
}

/**
 * Two warehouses with one group get half of the partitions each, and neither misses the others. So whoever
 * finds another's name in the group's offsets, in any partition, gives its own place back, stops its
 * partitions and says so; the other goes on with all of them. Whose the group is stands in Kafka alone: when
 * the offsets bear our name (a take-over, another KAFKA_GROUP_ID), the stops end by themselves.
 *
 * @returns whether the group is ours to work in.
 */
export async function keepToOwnGroup(check: GroupCheck, now: KafkaNow): Promise<boolean> {
  const { pool, membership, stream, topic, groupId, owner, logger } = check
  const { logs, group } = now
  const others = otherOwners(group, owner)
  if (others.length === 0) {
    const ended = await endStops(pool, topic, 'another_owner')
    if (ended.length > 0)
      logger.info({ partitions: ended, group: groupId }, 'the group is ours: its partitions go on')
    await membership.join()
    return true
  }
  await membership.stepAside()
  const reason = `the offsets of group ${groupId} are those of ${others.join(' and ')}, this is ${owner}`
  await beginTopic(check, now)
  let stopped = 0
  for (const [partition, log] of logs) {
    const progress = await ensureProgress(pool, { stream: stream.name, topic, partition }, log)
    if (await stopPartition(pool, progress, 'another_owner', reason)) stopped += 1
  }
  if (stopped > 0) {
    logger.error(
      { group: groupId, owner, others, code: 'another_owner' },
      `stays out of its group, and all partitions stopped: ${reason}`,
    )
  }
  return false
}

/** What a worker saw of the group's offsets when it last looked, by partition. */
export type OffsetsSeen = Map<number, { readonly incarnation: number; readonly offset: number }>

/**
 * An offset is committed after its records are loaded, so it never passes the watermark, unless the warehouse
 * is an older one now (restored, or a standby that lacked the last commits) or somebody else commits in our
 * name. The first is healed in any case: the watermark counts. At the first look it is taken for that; later,
 * nobody but us should have moved it. An offset that is gone (the group had no members for longer than the
 * broker keeps offsets, or somebody deleted it) is no harm either, and told.
 *
 * @param seen of earlier runs of this worker; brought up to date.
 * @returns a sentence for each partition that is an alarm.
 */
export async function compareGroupOffsets(
  { pool, topic, groupId, logger }: Pick<GroupCheck, 'pool' | 'topic' | 'groupId' | 'logger'>,
  { logs, group }: KafkaNow,
  seen: OffsetsSeen,
): Promise<string[]> {
  const alarms: string[] = []
  const known = new Map((await readAllProgress(pool, topic)).map((one) => [one.partition, one]))
  for (const [partition, { start }] of logs) {
    const { incarnation, firstOffset, nextOffset, stopCode } = known.get(partition) ?? neverLoaded(start)
    const offset = group.get(partition)?.offset ?? -1
    const before = seen.get(partition)
    seen.set(partition, { incarnation, offset })
    if (offset < 0 && nextOffset > firstOffset && before?.offset !== offset) {
      logger.warn(
        { partition, watermark: nextOffset },
        `the group ${groupId} has no offset for partition ${partition} (expired, deleted, or none was committed yet): it goes on from its watermark ${nextOffset}`,
      )
    }
    if (offset <= nextOffset || stopCode !== null) continue
    const found = `partition ${partition}: the offset of group ${groupId} is ${offset}, ahead of the watermark ${nextOffset}`
    const fields = { partition, group_offset: offset, watermark: nextOffset }
    if (before?.incarnation !== incarnation) {
      logger.warn(
        fields,
        `${found}: the warehouse is an older one (restored?), it loads again from its watermark`,
      )
    } else if (before.offset !== offset) {
      logger.error(fields, `${found}, and was moved while this worker ran`)
      alarms.push(
        `${found}, though nobody else should move it: is a copy of this warehouse at work in the same group, or did the warehouse lose its last commits? It loads again from its watermark`,
      )
    }
  }
  return alarms
}

/** As a first watermark will be. */
const neverLoaded = (start: number) => ({
  incarnation: 1,
  firstOffset: start,
  nextOffset: start,
  stopCode: null,
})
