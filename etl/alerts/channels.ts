import type { Pool } from 'pg'
import { actAtOnce, type Action, type Operator } from '../operations/actions.ts'
import type { Config } from '../process/config.ts'
import type { Logger } from '../process/log.ts'
import { attempt, type Channel, type ChannelFactory, type Notification } from './channel.ts'
import { email } from './channels/email.ts'
import { webhook, slack } from './channels/http.ts'

/** Every channel that there is. One more: a ChannelFactory in channels/, its settings in the configuration, a line here. */
const CHANNELS: readonly ChannelFactory[] = [webhook, slack, email]

export function configuredChannels(config: Config<'alerts'>): readonly Channel[] {
  return CHANNELS.map((make) => make(config)).filter((channel) => channel !== undefined)
}

/** Sends a notification that is marked as a test to every channel, at once, and says what came of each. */
export function sendTestAlert(config: Config<'alerts' | 'console'>, logger: Logger) {
  const notification: Notification = {
    event: 'test',
    id: null,
    rule: 'test',
    stream: '',
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
      /** What went wrong, free of secrets; null where nothing did. */
      return { channel: channel.name, ok: error === undefined, error: error ?? null }
    }),
  )
}
export type TestResult = Readonly<Awaited<ReturnType<typeof sendTestAlert>>[number]>

/** Tries every alert channel, and writes down what came of each in the action's target. */
export async function testAlerts(
  pool: Pool,
  by: Operator,
  config: Config<'alerts' | 'console'>,
  logger: Logger,
): Promise<{ readonly action: Action; readonly channels: readonly TestResult[] }> {
  const channels = await sendTestAlert(config, logger)
  const what = { action: 'test_alert', stream: null, target: { channels } } as const
  const action = await actAtOnce(pool, by, what, () => Promise.resolve())
  return { action, channels }
}
