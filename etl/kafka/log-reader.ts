import { setTimeout as delay } from 'node:timers/promises'
import type { Kafka } from 'kafkajs'
import { createCluster, createErrorFromCode, encodeFetch, type Cluster } from './internals.ts'
import type { AbortedTransaction } from './record-batch.ts'
import { asRefusal, asUnreachable } from './errors.ts'

/** Where a partition's log begins and ends, in offsets. */
export interface LogBounds {
  /** First offset that the log still holds. */
  readonly start: number
  /** Last stable offset: behind it are records of transactions that are still open. */
  readonly lastStable: number
  /** One past the last record. */
  readonly highWatermark: number
}

export interface FetchedSet {
  readonly bounds: LogBounds
  readonly abortedTransactions: readonly AbortedTransaction[]
  /** Record batches as stored; the first may begin below the offset asked for, the last may be cut. */
  readonly recordSet: Buffer
}

/** The offset asked for is below the log's start or past its end. */
export class OffsetOutOfRange extends Error {
  override readonly name = 'OffsetOutOfRange'
}

/** Reads partitions by offset, without a group. */
export interface LogReader {
  /**
   * Committed records from `offset` on, `maxBytes` of them or the first record batch, whichever is more.
   *
   * @throws OffsetOutOfRange, KafkaUnreachable
   */
  fetch(partition: number, offset: number, maxBytes: number): Promise<FetchedSet>
  close(): Promise<void>
}

const MAX_WAIT_MS = 250
const ATTEMPTS = 5
const OFFSET_OUT_OF_RANGE = 1

export async function openLogReader(kafka: Kafka, topic: string): Promise<LogReader> {
  const cluster = createCluster(kafka)
  await cluster.connect()
  await cluster.addTargetTopic(topic)
  await cluster.refreshMetadataIfNecessary()
  return {
    fetch: (partition, offset, maxBytes) =>
      withFreshMetadata(cluster, () => fetchOnce(cluster, topic, partition, offset, maxBytes)),
    close: () => cluster.disconnect(),
  }
}

async function fetchOnce(
  cluster: Cluster,
  topic: string,
  partition: number,
  offset: number,
  maxBytes: number,
): Promise<FetchedSet> {
  await cluster.refreshMetadataIfNecessary()
  const leader = Object.keys(cluster.findLeaderForPartitions(topic, [partition]))[0]
  if (leader === undefined) throw new Error(`${topic} has no partition ${partition}`)
  const broker = await cluster.findBroker({ nodeId: leader })
  const request = encodeFetch({
    replicaId: -1,
    isolationLevel: 1,
    maxWaitTime: MAX_WAIT_MS,
    minBytes: 1,
    maxBytes,
    topics: [{ topic, partitions: [{ partition, fetchOffset: String(offset), maxBytes }] }],
  })
  const { errorCode, ...fetched } = await broker.connectionPool.send({
    request,
    response: {
      decode: (payload) => Promise.resolve(decodeFetchResponse(payload)),
      parse: (decoded) => Promise.resolve(decoded),
    },
  })
  if (errorCode === OFFSET_OUT_OF_RANGE)
    throw new OffsetOutOfRange(`${topic}/${partition} has no offset ${offset}`)
  if (errorCode !== 0) throw asRefusal(createErrorFromCode(errorCode), `Read on topic ${topic}`)
  return fetched
}

/** A leader that moved, or a connection that broke, is looked up and tried again, with growing waits. */
async function withFreshMetadata<T>(cluster: Cluster, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (error instanceof OffsetOutOfRange || attempt === ATTEMPTS) throw asUnreachable(error)
      await delay(100 * 2 ** attempt)
      await cluster.refreshMetadata().catch(() => undefined) // the next attempt says what is wrong
    }
  }
}

interface FetchResponse extends FetchedSet {
  readonly errorCode: number
  readonly clientSideThrottleTime: number
}

/** Fetch response, version 11, for one partition (Kafka protocol, "Fetch API"). */
function decodeFetchResponse(payload: Buffer): FetchResponse {
  let at = 0
  const int16 = () => payload.readInt16BE((at += 2) - 2)
  const int32 = () => payload.readInt32BE((at += 4) - 4)
  const int64 = () => payload.readBigInt64BE((at += 8) - 8)
  const clientSideThrottleTime = int32()
  const responseError = int16()
  int32() // session id
  const none = { bounds: { start: 0, lastStable: 0, highWatermark: 0 }, abortedTransactions: [] }
  if (responseError !== 0 || int32() === 0) {
    return { ...none, errorCode: responseError, clientSideThrottleTime, recordSet: Buffer.alloc(0) }
  }
  const topicLength = int16()
  at += topicLength
  int32() // number of partitions
  int32() // partition
  const errorCode = int16()
  const highWatermark = Number(int64())
  const lastStable = Number(int64())
  const start = Number(int64())
  const abortedTransactions: AbortedTransaction[] = []
  for (let left = int32(); left > 0; left--) {
    const producerId = int64()
    abortedTransactions.push({ producerId, firstOffset: Number(int64()) })
  }
  int32() // preferred read replica
  const size = int32()
  const recordSet = size > 0 ? payload.subarray(at, at + size) : Buffer.alloc(0)
  return {
    errorCode,
    clientSideThrottleTime,
    bounds: { start, lastStable, highWatermark },
    abortedTransactions,
    recordSet,
  }
}
