import type { OutgoingRecord } from './kafka/producer.ts'
import type { UnpublishedDeadLetter } from './warehouse/dead-letters.ts'

/** The message on the dead-letter topic, as the contract has it. The key makes a second copy recognisable. */
export function deadLetterMessage(topic: string, letter: UnpublishedDeadLetter): OutgoingRecord {
  const origin = `${topic}:${letter.partition}:${letter.offset}`
  const headers: Record<string, (Buffer | string)[]> = {}
  // A null prototype would be lost on the way; a header named __proto__ must stay a header.
  const add = (key: string, value: Buffer | string) => {
    const values = Object.hasOwn(headers, key) ? headers[key]! : []
    Object.defineProperty(headers, key, {
      value: [...values, value],
      enumerable: true,
      configurable: true,
      writable: true,
    })
  }
  // kafkajs can't send a header without a value; an empty one stands for it.
  for (const { key, value } of letter.headers) add(key, value ?? Buffer.alloc(0))
  add('dlq.code', letter.code)
  add('dlq.issues', JSON.stringify(letter.issues))
  add('dlq.topic', topic)
  add('dlq.partition', String(letter.partition))
  add('dlq.offset', String(letter.offset))
  if (letter.key !== null) add('dlq.key', letter.key)
  add('dlq.batch_id', letter.batchId)
  add('dlq.time', new Date(letter.createdAt).toISOString())
  return {
    key: letter.incarnation === 1 ? origin : `${origin}:${letter.incarnation}`,
    value: letter.value,
    headers,
  }
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
