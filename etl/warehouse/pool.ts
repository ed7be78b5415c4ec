import { Pool, types, type ClientBase, type PoolConfig } from 'pg'
import type { Config } from '../config.ts'
import type { Logger } from '../log.ts'

/** Counts and offsets come as numbers: the ones we keep are safe integers, any other is a fault. */
types.setTypeParser(types.builtins.INT8, (text) => {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError(`bigint ${text} is outside the safe integers`)
  return value
})

export type Role = 'pulse_loader' | 'pulse_reader'

/**
 * Connections to the warehouse that act as a group role, whoever logged in.
 *
 * Timeouts: a lost server is noticed (connect 5 s, keep-alive), and the client gives up on an answer
 * (65 s) only after the server gave up on the statement (60 s, set in each load), so that it never
 * leaves one running.
 *
 * @param limits of a pool that is not for loading: fewer connections, an end to each statement.
 */
export function createPool(
  config: Config<'database'>,
  role: Role,
  logger: Logger,
  limits: { readonly connections?: number; readonly statementTimeoutMs?: number } = {},
): Pool {
  const { connections = config.DATABASE_POOL_SIZE, statementTimeoutMs } = limits
  const timeout = statementTimeoutMs === undefined ? '' : `; set statement_timeout to ${statementTimeoutMs}`
  const options: PoolConfig & { onConnect: (client: ClientBase) => Promise<void> } = {
    connectionString: config.DATABASE_URL,
    max: connections,
    connectionTimeoutMillis: 5_000,
    query_timeout: 65_000,
    keepAlive: true,
    application_name: `global-sales-pulse ${role}`,
    // Awaited before the connection is handed out: no statement ever runs as the login.
    onConnect: async (client) => {
      await client.query(`set role ${role}; set timezone to 'UTC'${timeout}`)
    },
  }
  const pool = new Pool(options)
  pool.on('connect', (client) => client.on('error', () => undefined)) // in use: its query fails and reports it
  pool.on('error', (error) => logger.warn({ err: error }, 'lost an idle connection to the warehouse'))
  return pool
}
