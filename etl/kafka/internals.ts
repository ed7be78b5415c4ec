import { createRequire } from 'node:module'
import type { Socket } from 'node:net'
import type { Kafka } from 'kafkajs'

/**
 * What we use of kafkajs below its public surface, in one place and checked at start. The version is
 * pinned; docs/decisions/0001-pull-based-extract.md says why it is done at all.
 *
 * - The cluster (metadata, broker connections) of a client, so that partitions can be fetched by
 *   offset: the group consumer only pushes, and seeks, pauses and default offsets get in the way.
 *   And so that offsets can be committed for a group without members, with metadata: its admin can't.
 * - The request queue, whose timer re-arms itself for ever: 10 % of a core for each idle connection.
 * - The connection, which is kept after a request on it was not answered in time: where the broker is
 *   silently gone, every later request waits for nothing on it too, until TCP gives up after a quarter of
 *   an hour.
 */
const require = createRequire(import.meta.url)

const KNOWN_VERSION = '2.2.4'

export interface FetchRequest {
  readonly replicaId: -1
  readonly isolationLevel: 1
  readonly maxWaitTime: number
  readonly minBytes: number
  readonly maxBytes: number
  readonly topics: readonly {
    readonly topic: string
    readonly partitions: readonly { partition: number; fetchOffset: string; maxBytes: number }[]
  }[]
}

interface ProtocolRequest {
  readonly apiName: string
}

interface ProtocolResponse<T> {
  decode(payload: Buffer): Promise<T & { clientSideThrottleTime: number }>
  parse(decoded: T): Promise<T>
}

export interface Broker {
  readonly connectionPool: {
    send<T>(exchange: {
      request: ProtocolRequest
      response: ProtocolResponse<T>
      requestTimeout?: number
    }): Promise<T>
  }
  /** @throws Error with the `type` of the first partition's error. */
  offsetCommit(request: {
    groupId: string
    /** −1 and no member: from outside the group. */
    groupGenerationId: number
    memberId: string
    topics: { topic: string; partitions: { partition: number; offset: string; metadata: string }[] }[]
  }): Promise<unknown>
}

export interface Cluster {
  connect(): Promise<void>
  disconnect(): Promise<void>
  addTargetTopic(topic: string): Promise<void>
  refreshMetadata(): Promise<void>
  refreshMetadataIfNecessary(): Promise<void>
  findLeaderForPartitions(topic: string, partitions: readonly number[]): Record<string, number[]>
  findBroker(node: { nodeId: string }): Promise<Broker>
  findGroupCoordinator(of: { groupId: string }): Promise<Broker>
}

/** A cluster of its own for this caller, with the client's brokers, TLS and SASL. */
export function createCluster(kafka: Kafka): Cluster {
  const create = Object.getOwnPropertySymbols(kafka).find(
    (symbol) => symbol.description === 'private:Kafka:createCluster',
  )
  if (create === undefined) throw new Error(`kafkajs is not ${KNOWN_VERSION}: it has no createCluster`)
  const factory = (kafka as unknown as Record<symbol, (options: object) => Cluster>)[create]
  if (factory === undefined)
    throw new Error(`kafkajs is not ${KNOWN_VERSION}: createCluster is not a function`)
  return factory({ metadataMaxAge: 60_000, allowAutoTopicCreation: false, isolationLevel: 1 })
}

/** Fetch version 11, the newest that kafkajs can write. */
export const encodeFetch = require('kafkajs/src/protocol/requests/fetch/v11/request') as (
  request: FetchRequest,
) => ProtocolRequest

/** The error that kafkajs makes of a broker's error code, with `type` and `retriable`. */
export const { createErrorFromCode } = require('kafkajs/src/protocol/error') as {
  createErrorFromCode: (code: number) => Error & { type: string; retriable: boolean }
}

interface RequestQueue {
  throttledUntil: number
  pending: unknown[]
  throttleCheckTimeoutId: NodeJS.Timeout | null
  checkPendingRequests(): void
  scheduleCheckPendingRequests(): void
}

/**
 * The queue's own rule, but armed only while there is something to send: as shipped it re-arms with an
 * empty queue and a delay that is negative for ever, which runs every millisecond and makes Node 24
 * warn of a negative timer.
 */
function scheduleCheckPendingRequests(this: RequestQueue): void {
  if (this.throttleCheckTimeoutId !== null || this.pending.length === 0) return
  const throttle = this.throttledUntil - Date.now()
  this.throttleCheckTimeoutId = setTimeout(
    () => {
      this.throttleCheckTimeoutId = null
      this.checkPendingRequests()
    },
    throttle > 0 ? throttle : 10,
  )
}

interface ConnectionPool {
  /** To one broker: for fetches, and for all else. */
  readonly pool: readonly { readonly socket?: Socket }[]
  send: (this: ConnectionPool, exchange: object) => Promise<unknown>
}

/**
 * Closes the connections to a broker that left a request without its answer, so that the next request opens
 * another; TCP's own word would come too late. What else waits on them fails with it, and is tried again.
 */
function closeWhenUnanswered({ prototype }: { readonly prototype: ConnectionPool }): void {
  const { send } = prototype
  prototype.send = async function (this: ConnectionPool, exchange: object) {
    try {
      return await send.call(this, exchange)
    } catch (error) {
      if (error instanceof Error && error.name === 'KafkaJSRequestTimeoutError')
        for (const { socket } of this.pool) socket?.destroy(error)
      throw error
    }
  }
}

let patched = false

/**
 * Replaces the request queue's timer, and what happens after a time-out. Called by everything that makes a
 * client; does it once.
 *
 * @throws Error where the installed kafkajs is another version than the one that was read.
 */
export function patchKafkajs(): void {
  if (patched) return
  const { version } = require('kafkajs/package.json') as { version: string }
  if (version !== KNOWN_VERSION) {
    throw new Error(
      `kafkajs ${version} is installed, but etl/kafka/internals.ts knows ${KNOWN_VERSION}: run npm ci`,
    )
  }
  const queue = require('kafkajs/src/network/requestQueue') as { prototype: RequestQueue }
  queue.prototype.scheduleCheckPendingRequests = scheduleCheckPendingRequests
  closeWhenUnanswered(require('kafkajs/src/network/connectionPool') as { prototype: ConnectionPool })
  patched = true
}
