import type { Pool } from 'pg'
import { readConfig, type Config } from '../../etl/process/config.ts'
import { createKafka, type Kafka } from '../../etl/kafka/client.ts'
import { ActionRefused, NotFound } from '../../etl/operations/actions.ts'
import { createLogger } from '../../etl/process/log.ts'
import {
  appliedMigrations,
  MigrationMismatch,
  readMigrations,
  requireSameMigrations,
} from '../../etl/postgres/migrations.ts'
import { createPool } from '../../etl/postgres/pool.ts'
import { CommandFailed, explain, UsageError } from './errors.ts'

/** What a command works with. Kafka is not connected until somebody asks it. */
export interface Session {
  readonly config: Config<'kafka' | 'database'>
  readonly pool: Pool
  readonly kafka: Kafka
}

/**
 * Runs a command on the warehouse, as its loader, and closes what it opened. The clients' own log lines
 * are dropped: what they give up on reaches us as an error, and that is what the user is told.
 *
 * @throws ConfigError, or CommandFailed with one sentence, also where the warehouse has other migrations.
 */
export async function inSession(work: (session: Session) => Promise<void>): Promise<void> {
  const config = readConfig(['kafka', 'database'])
  const logger = createLogger('silent')
  const pool = createPool(config, 'pulse_loader', logger)
  try {
    requireSameMigrations(await appliedMigrations(pool), readMigrations())
    await work({ config, pool, kafka: createKafka(config, logger, 'global-sales-pulse-pulse') })
  } catch (error) {
    if (SAYS_IT_ITSELF.some((kind) => error instanceof kind)) throw error
    throw new CommandFailed(explain(error, config), { cause: error })
  } finally {
    await pool.end()
  }
}

const SAYS_IT_ITSELF = [CommandFailed, UsageError, MigrationMismatch, ActionRefused, NotFound]
