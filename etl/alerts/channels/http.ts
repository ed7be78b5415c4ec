import { DeliveryFailed, headline, period, type ChannelFactory, type Notification } from '../channel.ts'

/**
 * Posts JSON, and is content with any 2xx. A redirect is a failure: whoever answers it must not choose who
 * learns of an alert. A user and password in the address become basic authentication.
 *
 * @throws DeliveryFailed
 */
export async function post(address: string, body: unknown, signal: AbortSignal): Promise<void> {
  const url = new URL(address)
  const headers = new Headers({ 'content-type': 'application/json', 'user-agent': 'global-sales-pulse' })
  if (url.username !== '' || url.password !== '') {
    const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`
    headers.set('authorization', `Basic ${Buffer.from(credentials).toString('base64')}`)
    url.username = ''
    url.password = ''
  }
  const response = await fetch(url, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
    redirect: 'manual',
    signal,
  }).catch((error: unknown) => {
    throw new DeliveryFailed(`no connection (${codeOf(error)})`)
  })
  await response.body?.cancel()
  if (response.status >= 300 && response.status < 400)
    throw new DeliveryFailed(`answered ${response.status}: redirects are not followed, set the final address`)
  if (!response.ok) throw new DeliveryFailed(`answered ${response.status}`)
}

/** fetch hides what happened in the cause: ECONNREFUSED, ENOTFOUND, CERT_HAS_EXPIRED. */
function codeOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined
  return cause instanceof Error && 'code' in cause ? String(cause.code) : 'no code'
}

/** A JSON document for programs. */
export const webhook: ChannelFactory = ({ ALERT_WEBHOOK_URL: address }) =>
  address === undefined
    ? undefined
    : {
        name: 'webhook',
        send: (notification, signal) => post(address, documentOf(notification), signal),
      }

/** Its fields are a promise: docs/OPERATIONS.md. */
function documentOf(notification: Notification) {
  const { event, id, rule, stream, scope, severity, summary, link } = notification
  const { firstAction: first_action, startedAt: started_at, endedAt: ended_at } = notification
  return { event, id, rule, stream, scope, severity, summary, first_action, started_at, ended_at, link }
}

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
