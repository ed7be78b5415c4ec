import type { Pool } from 'pg'
import { sendTestAlert, type TestResult } from './test-alert.ts'
import type { Config } from '../process/config.ts'
import type { Logger } from '../process/log.ts'
import { commit, inTransaction } from '../postgres/transaction.ts'
import { recordAction, type Action, type Operator } from '../operations/actions.ts'

/** Tries every alert channel, and writes down what came of each in the action's target. */
export async function testAlerts(
  pool: Pool,
  by: Operator,
  config: Config<'alerts' | 'console'>,
  logger: Logger,
): Promise<{ readonly action: Action; readonly channels: readonly TestResult[] }> {
  const channels = await sendTestAlert(config, logger)
  const action = await inTransaction(pool, async (client) =>
    commit(
      await recordAction(client, by, { action: 'test_alert', target: { channels }, status: 'succeeded' }),
    ),
  )
  return { action, channels }
}
