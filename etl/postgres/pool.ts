import { Pool, types, type ClientBase, type PoolConfig, type QueryConfig } from 'pg'
import type { Config } from '../process/config.ts'
import type { Logger } from '../process/log.ts'
import { KEEP_ALIVE_AFTER_MS, SERVER_WATCHES_CLIENT, TIMEOUTS } from './timeouts.ts'

/** Counts and offsets come as numbers: the ones we keep are safe integers, any other is a fault. */
types.setTypeParser(types.builtins.INT8, (text) => {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError(`bigint ${text} is outside the safe integers`)
  return value
})

export type Role = 'pulse_loader' | 'pulse_reader'

/**
 * Connections to the warehouse that act as a group role, whoever logged in. Nothing on them waits for ever:
 * timeouts.ts.
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
