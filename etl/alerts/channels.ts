import type { Config } from '../process/config.ts'
import type { Channel, ChannelFactory } from './channel.ts'
import { email } from './channels/email.ts'
import { slack } from './channels/slack.ts'
import { webhook } from './channels/webhook.ts'

/** Every channel that there is. One more: a file beside these, its settings in the configuration, a line here. */
const CHANNELS: readonly ChannelFactory[] = [webhook, slack, email]

export function configuredChannels(config: Config<'alerts'>): readonly Channel[] {
  return CHANNELS.map((make) => make(config)).filter((channel) => channel !== undefined)
}
