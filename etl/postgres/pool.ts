import { Pool, types, type ClientBase, type PoolConfig, type QueryConfig } from 'pg'
import type { Config } from '../process/config.ts'
import type { Logger } from '../process/log.ts'

/** Counts and offsets come as numbers: the ones we keep are safe integers, any other is a fault. */
types.setTypeParser(types.builtins.INT8, (text) => {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError(`bigint ${text} is outside the safe integers`)
  return value
})

export type Role = 'pulse_loader' | 'pulse_reader'

/**
 * Connections to the warehouse that act as a group role, whoever logged in. Nothing on them waits for ever:
 * TIMEOUTS.
 *
 * @param limits of a pool that is not for loading: fewer connections, an end to each statement.
 */
export function createPool(
  config: Config<'database'>,
  role: Role,
  logger: Logger,
  limits: { readonly connections?: number; readonly statementTimeoutMs?: number } = {},
): Pool {
  const { connections = config.DATABASE_POOL_SIZE, statementTimeoutMs = TIMEOUTS.statement } = limits
  const options: PoolConfig & { onConnect: (client: ClientBase) => Promise<void> } = {
    connectionString: config.DATABASE_URL,
    max: connections,
    connectionTimeoutMillis: TIMEOUTS.connect,
    query_timeout: TIMEOUTS.answer,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_AFTER_MS,
    application_name: `global-sales-pulse ${role}`,
    // Awaited before the connection is handed out: no statement ever runs as the login.
    onConnect: async (client) => {
      const text = `set role ${role}; set timezone to 'UTC'; set statement_timeout = ${statementTimeoutMs}; ${SERVER_WATCHES_CLIENT}`
      await client.query({ text, query_timeout: TIMEOUTS.begin } as QueryConfig)
    },
  }
  const pool = new Pool(options)
  pool.on('connect', (client) => client.on('error', () => undefined)) // in use: its query fails and reports it
  pool.on('error', (error) => logger.warn({ err: error }, 'lost an idle connection to the warehouse'))
  return pool
}

/**
 * How long anything that has to do with the warehouse may take, in milliseconds. Each is longer than those
 * before it, so that the one that fires is the one that knows best what is wrong, and what it costs least:
 *
 * - `connect`: also how long to wait for a connection of the pool that is free.
 * - `lock`: a rival that lives lets go in milliseconds; one that hangs is freed by `idleInTransaction`, and
 *   until then whoever waits is better off trying again.
 * - `begin`: a server that is there answers it at once. A connection that is dead without knowing it is found
 *   out here, before there is anything to lose.
 * - `idleInTransaction`: a client that hangs inside its transaction loses it, and with it the partition's row,
 *   before anybody would have waited for a statement's whole time.
 * - `statement`: a load that takes this long is too large; half of it is tried next.
 * - `answer`: the client gives up only after the server gave up, so that it never leaves a statement running.
 *   Where the server is silently gone this is how long it takes to see it: within a minute.
 * - `transaction`: some statements, each within its own time, hold locks together no longer than this.
 */
export const TIMEOUTS = {
  connect: 5_000,
  lock: 5_000,
  begin: 10_000,
  idleInTransaction: 15_000,
  statement: 50_000,
  answer: 55_000,
  transaction: 120_000,
} as const

/** Before an idle connection is probed, each second and ten times (libuv's own choice). */
export const KEEP_ALIVE_AFTER_MS = 10_000

/**
 * The same from the server's side, for each session: a client that vanished is noticed after 30 s of silence
 * and three probes, or when what it was sent is not taken for 30 s; a statement whose client has closed ends
 * within 5 s, rather than when it is done.
 */
export const SERVER_WATCHES_CLIENT = `
  set tcp_keepalives_idle = '30s'; set tcp_keepalives_interval = '10s'; set tcp_keepalives_count = 3;
  set tcp_user_timeout = '30s'; set client_connection_check_interval = '5s'`
