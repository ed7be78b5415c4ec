import type { Pool } from 'pg'
import type { Logger } from '../process/log.ts'
import type { Membership } from '../kafka/membership.ts'
import { isTooLarge, type OutgoingRecord, type RecordProducer } from '../kafka/producer.ts'
import { deadLetterMessage, deadLetterStub } from './dead-letter-message.ts'
import {
  markPublished,
  unpublishedDeadLetters,
  unpublishedOfLeft,
  type UnpublishedDeadLetter,
} from '../ledger/dead-letters.ts'
import type { PartitionId } from '../ledger/watermark.ts'

/** Bytes in one send: kafkajs makes one record batch of it and never splits. */
const CHUNK_BYTES = 512 * 1024

export interface Acknowledger {
  readonly pool: Pool
  readonly producer: RecordProducer
  readonly dlqTopic: string
  readonly membership: Pick<Membership, 'commit'>
}

/**
 * Publishes a partition's dead letters that are not on the dead-letter topic yet, oldest first, and then
 * commits the partition's offset, so that the group's offset never passes an unpublished dead letter.
 * At least once: a crash between sending and marking sends again, under the same key.
 *
 * @returns false where the dead-letter topic, the outbox or the group refused. Nothing is lost by that: the rows stay
 *   unpublished, the watermark covers the offset, and the next batch or run tries again.
 */
export async function acknowledge(
  acknowledger: Acknowledger,
  id: PartitionId,
  nextOffset: number,
  logger: Logger,
): Promise<boolean> {
  try {
    await publishDeadLetters(acknowledger, id, logger)
  } catch (error) {
    logger.warn(
      { err: error, partition: id.partition },
      'dead letters could not be published; the group offset waits',
    )
    return false
  }
  return acknowledger.membership.commit(id.partition, nextOffset)
}

/**
 * Publishes what waits of topics that the stream was moved from, whose partitions are nobody's any more. Where two workers do so at
 * once it is sent twice, under the same key.
 */
export async function acknowledgeLeft(
  acknowledger: Acknowledger,
  stream: string,
  logger: Logger,
): Promise<void> {
  try {
    for (const id of await unpublishedOfLeft(acknowledger.pool, stream))
      await publishDeadLetters(acknowledger, id, logger)
  } catch (error) {
    logger.warn({ err: error }, 'dead letters of the topic before could not be published')
  }
}

async function publishDeadLetters(
  acknowledger: Acknowledger,
  id: PartitionId,
  logger: Logger,
): Promise<void> {
  for (;;) {
    const letters = await unpublishedDeadLetters(acknowledger.pool, id, CHUNK_BYTES)
    if (letters.length === 0) return
    await send(acknowledger, id.topic, letters, logger)
    await markPublished(
      acknowledger.pool,
      letters.map((letter) => letter.id),
    )
  }
}

async function send(
  acknowledger: Acknowledger,
  topic: string,
  letters: readonly UnpublishedDeadLetter[],
  logger: Logger,
): Promise<void> {
  const message = (letter: UnpublishedDeadLetter) =>
    letter.isTooLarge ? stub(topic, letter, logger) : deadLetterMessage(topic, letter)
  try {
    await acknowledger.producer.send(acknowledger.dlqTopic, letters.map(message))
  } catch (error) {
    if (!isTooLarge(error)) throw error
    const [letter] = letters
    if (letters.length > 1) for (const one of letters) await send(acknowledger, topic, [one], logger)
    else if (letter !== undefined)
      await acknowledger.producer.send(acknowledger.dlqTopic, [stub(topic, letter, logger)])
  }
}

function stub(topic: string, letter: UnpublishedDeadLetter, logger: Logger): OutgoingRecord {
  logger.warn(
    { id: letter.id },
    'a dead letter is too large for its topic: a stub is sent that points to its row',
  )
  return deadLetterStub(topic, letter)
}
