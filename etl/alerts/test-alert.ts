import type { Config } from '../process/config.ts'
import type { Logger } from '../process/log.ts'
import { attempt } from './attempt.ts'
import type { Notification } from './channel.ts'
import { configuredChannels } from './channels.ts'

export interface TestResult {
  readonly channel: string
  readonly ok: boolean
  /** What went wrong, free of secrets; null where nothing did. */
  readonly error: string | null
}

/** Sends a notification that is marked as a test to every channel, at once, and says what came of each. */
export async function sendTestAlert(
  config: Config<'alerts' | 'console'>,
  logger: Logger,
): Promise<readonly TestResult[]> {
  const notification: Notification = {
    event: 'test',
    id: null,
    rule: 'test',
    scope: '',
    severity: 'warning',
    summary: 'Alerts arrive here',
    firstAction: 'Nothing: an operator tries the alerts, nothing is wrong.',
    startedAt: new Date(),
    endedAt: null,
    link: `${config.CONSOLE_URL}/`,
  }
  return Promise.all(
    configuredChannels(config).map(async (channel) => {
      const error = await attempt(channel, notification, new AbortController().signal)
      if (error === undefined) logger.info({ channel: channel.name }, 'test alert sent')
      else logger.warn({ channel: channel.name, error }, 'test alert could not be sent')
      return { channel: channel.name, ok: error === undefined, error: error ?? null }
    }),
  )
}
