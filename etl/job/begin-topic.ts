import type { Pool } from 'pg'
import type { Kafka } from '../kafka/client.ts'
import { askAdmin, offsetsAt } from '../kafka/topics.ts'
import { firstWatermark, lockSourceNumbers, recordStart, requireTopic } from '../ledger/first-watermark.ts'
import { readAllProgress } from '../ledger/watermark.ts'
import { commit, inTransaction } from '../postgres/transaction.ts'
import type { Logger } from '../process/log.ts'
import type { Stream } from '../stream/compile.ts'
import { contractHash } from '../stream/registry.ts'
import { momentOf } from '../stream/start.ts'
import type { KafkaNow } from './kafka-now.ts'
import type { LogNow } from './known-log.ts'

export interface Begun {
  readonly pool: Pool
  readonly kafka: Kafka
  readonly stream: Pick<Stream, 'name' | 'definition'>
  readonly topic: string
  readonly groupId: string
  readonly worker: string
  readonly logger: Logger
}

/**
 * Where a stream says that it begins elsewhere than with the oldest record: makes the first watermarks of a topic that was never
 * consumed, of all its partitions at once, so that one that is missing later is known to be a new one. That begins at its
 * beginning, or what was sent to it before it was seen would be lost.
 *
 * Two workers come one after the other, by the advisory lock under which watermarks are made; the second sees the first's and
 * leaves them, whatever end it noted itself. That a partition has one start is the primary key's.
 *
 * @throws Error where it can't begin so.
 */
export async function beginTopic(of: Begun, now: KafkaNow): Promise<void> {
  const { pool, stream, topic, worker, logger } = of
  const { start: declared = 'beginning' } = stream.definition
  if (declared === 'beginning' || (await readAllProgress(pool, topic)).length > 0) return
  const first = await firstOffsets(of, declared, now)
  const begun = await inTransaction(pool, async (client) => {
    await lockSourceNumbers(client)
    await requireTopic(client, { stream: stream.name, topic })
    if ((await readAllProgress(client, topic)).length > 0) return commit([])
    for (const { partition, log, offset } of first) {
      await firstWatermark(client, { stream: stream.name, topic, partition }, log, { offset })
      const contract = { worker, contractHash: contractHash(stream.definition) }
      const place = { topic, partition, logStart: log.start, firstOffset: offset }
      await recordStart(client, { ...place, declared, ...contract })
    }
    return commit(first)
  })
  for (const { partition, log, offset } of begun)
    logger.info(
      { topic, partition, offset, log_start: log.start, start: declared },
      'the stream begins here, by its declaration: what the log holds before is not read',
    )
}

interface First {
  readonly partition: number
  readonly log: LogNow
  readonly offset: number
}

async function firstOffsets(
  { kafka, stream, topic, groupId }: Begun,
  declared: string,
  { logs, group }: KafkaNow,
): Promise<First[]> {
  const all = [...logs]
    .map(([partition, log]) => ({ partition, log }))
    .sort((a, b) => a.partition - b.partition)
  const moment = momentOf(declared)
  if (moment === undefined) {
    // A warehouse that was lost would begin behind all that it held, and nothing would say so.
    const committed = [...group.values()].some(({ offset }) => offset >= 0)
    if (committed)
      throw new Error(
        `the stream ${stream.name} can't start at the end of ${topic}: its group ${groupId} has consumed it before, maybe into ` +
          'another warehouse. Declare the time to start at, or beginning; or give it another KAFKA_GROUP_ID',
      )
    return all.map((one) => ({ ...one, offset: one.log.end }))
  }
  if (moment > Date.now())
    throw new Error(
      `the stream ${stream.name} starts at ${declared}, which is still to come: nothing is loaded before`,
    )
  const found = await askAdmin(kafka, (admin) => offsetsAt(admin, topic, new Date(moment)))
  // A record behind an open transaction may be the first: then the last stable offset, as no watermark is above it.
  return all.map(({ partition, log }) => ({
    partition,
    log,
    offset: Math.max(log.start, Math.min(found.get(partition) ?? log.end, log.end)),
  }))
}
