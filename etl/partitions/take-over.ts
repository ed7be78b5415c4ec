import type { Pool } from 'pg'
import { otherOwners } from '../job/group-ownership.ts'
import type { Kafka } from '../kafka/client.ts'
import { commitFromOutside, groupOffsets } from '../kafka/group-offsets.ts'
import { askAdmin, partitionBounds } from '../kafka/topics.ts'
import { readOwner } from '../ledger/warehouse-name.ts'
import { endStops, readAllProgress } from '../ledger/watermark.ts'
import { commit, inTransaction } from '../postgres/transaction.ts'
import { ActionRefused, recordAction, type Action, type Operator } from '../operations/actions.ts'

export interface GroupId {
  readonly stream: string
  readonly topic: string
  readonly groupId: string
}

/** Whose a group is, as its offsets say, beside this warehouse. */
export async function lookAtGroup(pool: Pool, kafka: Kafka, { stream, topic, groupId }: GroupId) {
  const owner = await readOwner(pool)
  return askAdmin(kafka, async (admin) => {
    /** Empty where it is ours, or nobody's. */
    const others = otherOwners(await groupOffsets(admin, groupId, topic), owner)
    const bounds = await partitionBounds(admin, topic)
    /** First offset of each partition's log. */
    const starts = new Map(bounds.map(({ partition, start }) => [partition, start]))
    return { stream, topic, groupId, owner, others, starts }
  })
}
export type GroupNow = Readonly<Awaited<ReturnType<typeof lookAtGroup>>>

/** @throws ActionRefused where the group is ours. */
export function requireOthers({ groupId, others }: GroupNow): void {
  if (others.length === 0) throw new ActionRefused(`The group ${groupId} is this warehouse's: nothing to do.`)
}

/**
 * Makes the group this warehouse's: its offsets become our watermarks, with our name. Only while it has no
 * members: the other warehouse, if it lives, is to be stopped first, or it would be the one that is robbed.
 * Where the record of it is not committed after Kafka took the offsets, it is done all the same: the next run
 * sees our name and goes on.
 *
 * @throws ActionRefused
 */
export function takeOverGroup(pool: Pool, kafka: Kafka, by: Operator, seen: GroupNow): Promise<Action> {
  requireOthers(seen)
  const { stream, topic, groupId, owner, others, starts } = seen
  return inTransaction(pool, async (client) => {
    const known = new Map(
      (await readAllProgress(client, topic)).map((one) => [one.partition, one.nextOffset]),
    )
    const offsets = [...starts].map(
      ([partition, start]) =>
        [partition, { offset: known.get(partition) ?? start, metadata: owner }] as const,
    )
    await endStops(client, topic, 'another_owner')
    const action = await recordAction(client, by, {
      action: 'continue_partition', // of each of the topic
      stream,
      target: { topic, group: groupId, takenOverFrom: others.join(' and ') },
      status: 'succeeded',
    })
    if (!(await commitFromOutside(kafka, groupId, topic, new Map(offsets)))) {
      throw new ActionRefused(
        `The group ${groupId} has members: the other warehouse is at work in it. Stop its workers, or give one of the two ` +
          'another KAFKA_GROUP_ID. A worker that was killed stays a member for KAFKA_SESSION_TIMEOUT_MS. Nothing was done.',
      )
    }
    return commit(action)
  })
}
