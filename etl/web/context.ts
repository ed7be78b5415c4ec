import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import type { Pool } from 'pg'
import type { Config } from '../process/config.ts'
import type { Stream } from '../stream/compile.ts'
import type { Kafka } from '../kafka/client.ts'
import type { Logger } from '../process/log.ts'

/** What pages and API work with. */
export interface Console {
  /** Connections of the console's own, so that pages never take the load's. */
  readonly pool: Pool
  readonly kafka: Kafka
  readonly stream: Stream
  /** All that there are, by name; the first is at home at `/`. */
  readonly streams: readonly string[]
  /** Those of the stream. */
  readonly pages: readonly StreamPages[]
  /** How much older than its record what it tells of may be, in days. */
  readonly maxAgeDays: number
  readonly config: Config<'kafka' | 'etl' | 'console' | 'alerts'>
  readonly logger: Logger
  /** Of this worker. */
  readonly worker: string
  /** Why this worker can't write to the warehouse, as it last tried; undefined where it can. */
  readonly unwritable: () => string | undefined
}

/** Pages that a stream brings to the console: an entry in the menu, and their routes. */
export interface StreamPages {
  readonly stream: string
  readonly path: string
  readonly name: string
  /** The letter after `g` that goes there; o, r, d, a and l are taken. */
  readonly key: string
  readonly routes: readonly ((server: Server, console: Console) => void)[]
}

/** Where a request is: in the pages of a stream. */
export interface Place extends Pick<Console, 'streams' | 'pages'> {
  readonly stream: string
  /** What stands before the paths of its pages: `/streams/products`, or ''. */
  readonly under: string
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Undefined outside of the pages of streams: login, errors of addresses that don't exist. */
    place: Place | undefined
  }
}

/** What stands before the paths of a stream's pages, where the others can be told from it. */
export const under = (stream: string): string => `/streams/${stream}`

/** Where a stream's pages are at home: those of the first at `/`. */
export const pagesUnder =
  ([first]: readonly string[]) =>
  (stream: string): string =>
    stream === first || stream === '' ? '' : under(stream)

/** Fastify, with zod schemas for what comes in. */
export type Server = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>
