import { createRequire } from 'node:module'
import type { Kafka } from 'kafkajs'

/**
 * What we use of kafkajs below its public surface, in one place and checked at start. The version is
 * pinned; docs/decisions/0001-pull-based-extract.md says why it is done at all.
 *
 * - The cluster (metadata, broker connections) of a client, so that partitions can be fetched by
 *   offset: the group consumer only pushes, and seeks, pauses and default offsets get in the way.
 * - The request queue, whose timer re-arms itself for ever: 10 % of a core for each idle connection.
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
}

export interface Cluster {
  connect(): Promise<void>
  disconnect(): Promise<void>
  addTargetTopic(topic: string): Promise<void>
  refreshMetadata(): Promise<void>
  refreshMetadataIfNecessary(): Promise<void>
  findLeaderForPartitions(topic: string, partitions: readonly number[]): Record<string, number[]>
  findBroker(node: { nodeId: string }): Promise<Broker>
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

/**
 * Replaces the request queue's timer. Called once by everything that makes a client.
 *
 * @throws Error where the installed kafkajs is another version than the one that was read.
 */
export function patchKafkajs(): void {
  const { version } = require('kafkajs/package.json') as { version: string }
  if (version !== KNOWN_VERSION) {
    throw new Error(
      `kafkajs ${version} is installed, but etl/kafka/internals.ts knows ${KNOWN_VERSION}: run npm ci`,
    )
  }
  const queue = require('kafkajs/src/network/requestQueue') as { prototype: RequestQueue }
  queue.prototype.scheduleCheckPendingRequests = scheduleCheckPendingRequests
}
