import { once } from 'node:events'
import { connect } from 'node:net'

/**
 * Sends record batches to a broker as they are, also such as no client would make: Produce requests of
 * version 7 (Kafka protocol, "Produce API") over a connection of its own, to a cluster of one broker.
 */
export interface RawProducer {
  /** One record batch into one partition; resolves when the broker has answered. */
  send(topic: string, partition: number, batch: Buffer): Promise<Produced>
  close(): void
}

export interface Produced {
  /** 0, or why the broker refused (Kafka protocol, "Error Codes"). */
  readonly errorCode: number
  /** Of the batch's first record. */
  readonly baseOffset: number
}

const PRODUCE = 0
/** The first that takes zstd. */
const VERSION = 7
const ACKS_ALL = -1
const TIMEOUT_MS = 30_000

/** @param broker host:port */
export async function connectRawProducer(broker: string): Promise<RawProducer> {
  const colon = broker.lastIndexOf(':')
  const socket = connect({
    host: broker.slice(0, colon),
    port: Number(broker.slice(colon + 1)),
    noDelay: true,
  })
  await once(socket, 'connect')
  const answers = readAnswers(socket)
  let correlation = 0
  let last: Promise<unknown> = Promise.resolve()
  const exchange = async (topic: string, partition: number, batch: Buffer): Promise<Produced> => {
    socket.write(produceRequest(++correlation, topic, partition, batch))
    const { value, done } = await answers.next()
    if (done === true) throw new Error('the broker closed the connection')
    return parseAnswer(value)
  }
  return {
    send: (topic, partition, batch) => {
      const sent = last.then(() => exchange(topic, partition, batch))
      last = sent.catch(() => undefined) // whoever sent it is told
      return sent
    },
    close: () => socket.destroy(),
  }
}

/** Whole answers, each without its length. */
async function* readAnswers(socket: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  let received = Buffer.alloc(0)
  for await (const bytes of socket) {
    received = Buffer.concat([received, bytes])
    while (received.length >= 4 && received.length >= 4 + received.readInt32BE(0)) {
      const end = 4 + received.readInt32BE(0)
      yield received.subarray(4, end)
      received = received.subarray(end)
    }
  }
}

function produceRequest(correlation: number, topic: string, partition: number, batch: Buffer): Buffer {
  const parts = [
    int16(PRODUCE),
    int16(VERSION),
    int32(correlation),
    string('hostile'),
    int16(-1), // no transactional id
    int16(ACKS_ALL),
    int32(TIMEOUT_MS),
    int32(1), // topics
    string(topic),
    int32(1), // partitions
    int32(partition),
    int32(batch.length),
    batch,
  ]
  const body = Buffer.concat(parts)
  return Buffer.concat([int32(body.length), body])
}

/** Correlation id, topics of one, its name, partitions of one, its number, error code, base offset. */
function parseAnswer(answer: Buffer): Produced {
  const partitionAt = 4 + 4 + 2 + answer.readInt16BE(8) + 4 + 4
  return {
    errorCode: answer.readInt16BE(partitionAt),
    baseOffset: Number(answer.readBigInt64BE(partitionAt + 2)),
  }
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function string(text: string): Buffer {
  return Buffer.concat([int16(Buffer.byteLength(text)), Buffer.from(text)])
}
