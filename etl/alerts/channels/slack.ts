import type { ChannelFactory, Notification } from '../channel.ts'
import { headline, period } from '../wording.ts'
import { post } from './post.ts'

/** An incoming webhook of Slack. */
export const slack: ChannelFactory = ({ ALERT_SLACK_WEBHOOK_URL: address }) =>
  address === undefined
    ? undefined
    : {
        name: 'slack',
        send: (notification, signal) =>
          post(address, { text: mrkdwn(notification), unfurl_links: false }, signal),
      }

function mrkdwn(notification: Notification): string {
  return [
    `*${escaped(headline(notification))}*`,
    period(notification),
    ...(notification.event === 'ended' ? [] : [`*First:* ${escaped(notification.firstAction)}`]),
    `<${notification.link}|Open the console>`,
  ].join('\n')
}

/** The three characters that Slack reads: without them no text can mention a channel or make a link. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
