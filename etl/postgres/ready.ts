import { messageOf } from '../text/message-of.ts'
import { setTimeout as delay } from 'node:timers/promises'
import type { Pool } from 'pg'
import type { Logger } from '../process/log.ts'
import { remedyFor } from './errors.ts'
import { appliedMigrations, readMigrations, requireSameMigrations } from './migrations.ts'
import { explainedTls } from './tls.ts'

const WAIT_MS = 2_000

/**
 * Waits until the warehouse answers, then holds its migrations against our own, so that no restart goes
 * round the gate.
 *
 * @throws MigrationMismatch, or what Postgres says where waiting would not help (a wrong password, no such
 *   database, a role that is missing).
 */
export async function waitForWarehouse(pool: Pool, logger: Logger, signal: AbortSignal): Promise<void> {
  for (;;) {
    signal.throwIfAborted()
    try {
      requireSameMigrations(await appliedMigrations(pool), readMigrations())
      await warnOfSuperuser(pool, logger)
      return
    } catch (error) {
      const remedy = remedyFor(error)
      if (remedy !== 'reconnect' && remedy !== 'wait') throw explainedTls(error)
      logger.warn({ reason: messageOf(error) }, 'waiting for the warehouse')
    }
    await delay(WAIT_MS, undefined, { signal })
  }
}

async function warnOfSuperuser(pool: Pool, logger: Logger): Promise<void> {
  const { rows } = await pool.query<{ login: string; rolsuper: boolean }>(
    'select rolname as login, rolsuper from pg_roles where rolname = session_user',
  )
  if (rows[0]?.rolsuper === true) {
    logger.warn(
      { login: rows[0].login },
      'DATABASE_URL logs in as a superuser: a member of pulse_loader is enough',
    )
  }
}
