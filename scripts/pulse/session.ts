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
import type { Definition } from '../../etl/stream/definition.ts'
import { chosenStreams, installedStreams, type Installed } from '../../etl/stream/installed.ts'
import { streams } from '../../etl/installation.ts'
import { CommandFailed, explain, UsageError } from './errors.ts'

/** What a command works with. Kafka is not connected until somebody asks it. */
export interface Session {
  /** As the stream sees it. */
  readonly config: Config<'kafka' | 'database'>
  /** The one that --stream names, or the first. */
  readonly stream: string
  readonly definition: Definition
  /** What --stream names; null where it names none, so that all are meant. */
  readonly only: string | null
  /** Whether --stream names one, or there is only one. */
  readonly isOfOne: boolean
  readonly installed: readonly Installed<Config<'kafka' | 'database'>>[]
  readonly pool: Pool
  readonly kafka: Kafka
}

let named: string | undefined

/** What --stream says, before a command runs. */
export const nameStream = (stream: string | undefined): void => void (named = stream)

/** The stream that --stream names. */
export const namedStream = (): string | undefined => named

/**
 * Runs a command on the warehouse, as its loader, and closes what it opened. The clients' own log lines
 * are dropped: what they give up on reaches us as an error, and that is what the user is told.
 *
 * @throws ConfigError, or CommandFailed with one sentence, also where the warehouse has other migrations.
 */
export async function inSession(work: (session: Session) => Promise<void>): Promise<void> {
  const general = readConfig(['kafka', 'database'])
  const installed = installedStreams(general, streams)
  const [{ definition, config }] = chosenStreams(
    installed,
    named === undefined ? undefined : [named],
    '--stream',
  ) as [Installed<typeof general>]
  const isOfOne = named !== undefined || installed.length === 1
  const logger = createLogger('silent')
  const pool = createPool(config, 'pulse_loader', logger)
  try {
    requireSameMigrations(await appliedMigrations(pool), readMigrations())
    const kafka = createKafka(config, logger, 'global-sales-pulse-pulse')
    await work({
      config,
      stream: definition.name,
      only: named ?? null,
      definition,
      isOfOne,
      installed,
      pool,
      kafka,
    })
  } catch (error) {
    if (SAYS_IT_ITSELF.some((kind) => error instanceof kind)) throw error
    throw new CommandFailed(explain(error, config), { cause: error })
  } finally {
    await pool.end()
  }
}

const SAYS_IT_ITSELF = [CommandFailed, UsageError, MigrationMismatch, ActionRefused, NotFound]
