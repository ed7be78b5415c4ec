import type { OutgoingRecord } from '../kafka/producer.ts'
import type { RecordHeader } from '../kafka/record.ts'
import { originOf, type UnpublishedDeadLetter } from '../ledger/dead-letters.ts'
import { REDRIVE_OF } from '../ledger/redrives.ts'

/** The message on the dead-letter topic, as the contract has it. The key makes a second copy recognisable. */
export function deadLetterMessage(topic: string, letter: UnpublishedDeadLetter): OutgoingRecord {
  return {
    key: originOf({ topic, ...letter }),
    value: letter.value,
    headers: outgoingHeaders([
      ...letter.headers,
      header('dlq.code', letter.code),
      header('dlq.issues', JSON.stringify(letter.issues)),
      header('dlq.topic', topic),
      header('dlq.partition', String(letter.partition)),
      header('dlq.offset', String(letter.offset)),
      ...(letter.key === null ? [] : [{ key: 'dlq.key', value: letter.key }]),
      header('dlq.batch_id', letter.batchId),
      header('dlq.time', new Date(letter.createdAt).toISOString()),
    ]),
  }
}

/**
 * A dead letter's record on its way back to its topic, as it was or corrected: the same key, and the same
 * headers but for one of an earlier redrive.
 *
 * @param first the origin of the first dead letter of its chain.
 */
export function redriveMessage(
  letter: { readonly key: Buffer | null; readonly headers: readonly RecordHeader[] },
  value: Buffer | null,
  first: string,
): OutgoingRecord {
  const original = letter.headers.filter(({ key }) => key !== REDRIVE_OF)
  return { key: letter.key, value, headers: outgoingHeaders([...original, header(REDRIVE_OF, first)]) }
}

const header = (key: string, text: string): RecordHeader => ({ key, value: Buffer.from(text) })

/** As the producer wants them: those of one name in their order. */
function outgoingHeaders(headers: readonly RecordHeader[]): Record<string, Buffer[]> {
  const outgoing: Record<string, Buffer[]> = {}
  for (const { key, value } of headers) {
    const values = Object.hasOwn(outgoing, key) ? outgoing[key]! : []
    // A null prototype would be lost on the way; a header named __proto__ must stay a header.
    Object.defineProperty(outgoing, key, {
      // kafkajs can't send a header without a value; an empty one stands for it.
      value: [...values, value ?? Buffer.alloc(0)],
      enumerable: true,
      configurable: true,
      writable: true,
    })
  }
  return outgoing
}

/** Stands for a dead letter that the topic can't hold: says where its bytes are. */
export function deadLetterStub(topic: string, letter: UnpublishedDeadLetter): OutgoingRecord {
  const { key } = deadLetterMessage(topic, letter)
  const stub = { ...letter, key: null, value: null, headers: [], issues: letter.issues.slice(0, 5) }
  const message = deadLetterMessage(topic, stub)
  return {
    ...message,
    key,
    headers: { ...message.headers, 'dlq.stub': `audit.dead_letters.id=${letter.id}` },
  }
}
