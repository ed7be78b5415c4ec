import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { attempt, DeliveryFailed, type Channel, type Notification } from '../../etl/alerts/channel.ts'
import { configuredChannels, sendTestAlert } from '../../etl/alerts/channels.ts'
import { readConfig } from '../../etl/process/config.ts'
import { anHttpReceiver } from '../support/http-receiver.ts'
import { aMailServer, MAIL_PASSWORD, MAIL_USER } from '../support/mail-server.ts'

/** Each channel against a real server. */

const STARTED: Notification = {
  event: 'started',
  id: 17,
  rule: 'partition_stopped',
  stream: 'transactions',
  scope: 'partition 0',
  severity: 'critical',
  summary: 'Partition 0 of transactions stopped',
  firstAction: 'pulse partitions continue 0',
  startedAt: new Date('2026-11-21T10:00:00.123Z'),
  endedAt: null,
  link: 'https://pulse.example.com/actions',
}
const ENDED: Notification = { ...STARTED, event: 'ended', endedAt: new Date('2026-11-21T10:05:00Z') }
const TEST: Notification = { ...STARTED, event: 'test', id: null }

const HOSTILE =
  'a <!channel> & <https://evil.example|click>\r\nBcc: everyone@example.com\r\n\r\nbody \u0000\u202e'

const never = new AbortController().signal

function channelOf(env: Readonly<Record<string, string>>): Channel {
  const channels = configuredChannels(readConfig(['alerts'], env))
  expect(channels).toHaveLength(1)
  return channels[0]!
}
const webhookTo = (url: string) => channelOf({ ALERT_WEBHOOK_URL: url })
const slackTo = (url: string) => channelOf({ ALERT_SLACK_WEBHOOK_URL: url })
const mailTo = (port: number, { password = MAIL_PASSWORD, to = 'night@example.com, day@example.com' } = {}) =>
  channelOf({
    ALERT_SMTP_URL: `smtp://${MAIL_USER}:${password}@127.0.0.1:${port}`,
    ALERT_EMAIL_FROM: 'pulse@example.com',
    ALERT_EMAIL_TO: to,
  })

test('nothing configured is no channel', async () => {
  expect(configuredChannels(readConfig(['alerts'], {}))).toEqual([])
  expect(await sendTestAlert(readConfig(['alerts', 'console'], {}), pino({ level: 'silent' }))).toEqual([])
})

test('the webhook gets the documented JSON', async () => {
  const receiver = await anHttpReceiver()
  const webhook = webhookTo(`${receiver.url}/hook/s3cret`)
  await webhook.send(STARTED, never)
  await webhook.send(ENDED, never)
  const document = {
    event: 'started',
    id: 17,
    rule: 'partition_stopped',
    stream: 'transactions',
    scope: 'partition 0',
    severity: 'critical',
    summary: 'Partition 0 of transactions stopped',
    first_action: 'pulse partitions continue 0',
    started_at: '2026-11-21T10:00:00.123Z',
    ended_at: null,
    link: 'https://pulse.example.com/actions',
  }
  expect(receiver.received.map(({ body }) => body)).toEqual([
    document,
    { ...document, event: 'ended', ended_at: '2026-11-21T10:05:00.000Z' },
  ])
  expect(receiver.received[0]).toMatchObject({
    path: '/hook/s3cret',
    headers: { 'content-type': 'application/json' },
  })
})

test('a user and password in an address become basic authentication', async () => {
  const receiver = await anHttpReceiver()
  await webhookTo(receiver.url.replace('//', '//pulse:p%40ss@')).send(STARTED, never)
  expect(receiver.received[0]!.headers.authorization).toBe(`Basic ${btoa('pulse:p@ss')}`)
})

test('Slack gets what, since when, what to do first and a link', async () => {
  const receiver = await anHttpReceiver()
  const slack = slackTo(receiver.url)
  await slack.send(STARTED, never)
  await slack.send(ENDED, never)
  expect(receiver.received.map(({ body }) => body)).toEqual([
    {
      text: [
        '*Critical: Partition 0 of transactions stopped*',
        'Since 2026-11-21 10:00:00 UTC',
        '*First:* pulse partitions continue 0',
        '<https://pulse.example.com/actions|Open the console>',
      ].join('\n'),
      unfurl_links: false,
    },
    {
      text: [
        '*Ended: Partition 0 of transactions stopped*',
        'From 2026-11-21 10:00:00 UTC to 2026-11-21 10:05:00 UTC',
        '<https://pulse.example.com/actions|Open the console>',
      ].join('\n'),
      unfurl_links: false,
    },
  ])
})

test('hostile text mentions nobody in Slack and makes no link', async () => {
  const receiver = await anHttpReceiver()
  await slackTo(receiver.url).send({ ...STARTED, summary: HOSTILE, firstAction: HOSTILE }, never)
  const { text } = receiver.received[0]!.body as { text: string }
  expect(text.match(/<[^>]*>/g)).toEqual(['<https://pulse.example.com/actions|Open the console>'])
  expect(text.split('\n')[0]).toBe(
    '*Critical: a &lt;!channel&gt; &amp; &lt;https://evil.example|click&gt;\\u{d}\\u{a}Bcc: everyone@example.com\\u{d}\\u{a}\\u{d}\\u{a}body \\u{0}\\u{202e}*',
  )
})

test.for([
  [301, 'answered 301: redirects are not followed, set the final address'],
  [403, 'answered 403'],
  [500, 'answered 500'],
] as const)('an answer %s is a failure', async ([status, message]) => {
  const receiver = await anHttpReceiver()
  receiver.answer(status)
  await expect(webhookTo(receiver.url).send(STARTED, never)).rejects.toEqual(new DeliveryFailed(message))
})

test('a redirect is not followed', async () => {
  const [receiver, elsewhere] = [await anHttpReceiver(), await anHttpReceiver()]
  receiver.answer({ redirectTo: elsewhere.url })
  expect(await attempt(slackTo(receiver.url), STARTED, never)).toMatch(/^answered 307: redirects/)
  expect(elsewhere.received).toEqual([])
})

test('what goes wrong is told without the address', async () => {
  expect(await attempt(webhookTo('http://127.0.0.1:2/s3cret'), STARTED, never)).toBe(
    'no connection (ECONNREFUSED)',
  )
  const careless: Channel = {
    name: 'careless',
    send: () => Promise.reject(new TypeError('https://example.com/s3cret?')),
  }
  expect(await attempt(careless, STARTED, never)).toBe('unexpected TypeError')
})

test('a channel that pays no heed to its limit is left behind', async () => {
  const deaf: Channel = { name: 'deaf', send: () => new Promise(() => undefined) }
  expect(await attempt(deaf, STARTED, never, 50)).toBe('no answer within 0.05 s')
  const receiver = await anHttpReceiver()
  receiver.answer('hang')
  expect(await attempt(webhookTo(receiver.url), STARTED, never, 200)).toBe('no answer within 0.2 s')
})

test('a mail has a subject, the whole story, and a place in its thread', async () => {
  const server = await aMailServer()
  const email = mailTo(server.port)
  await email.send(STARTED, never)
  await email.send(ENDED, never)
  const [started, ended] = server.mails
  expect(started).toMatchObject({
    from: 'pulse@example.com',
    to: ['night@example.com', 'day@example.com'],
  })
  expect(started!.headers.get('subject')).toBe(
    '[Global Sales Pulse] Critical: Partition 0 of transactions stopped',
  )
  expect(started!.headers.get('content-type')).toMatch(/^text\/plain/)
  expect(started!.headers.get('auto-submitted')).toBe('auto-generated')
  expect(started!.body.trim().split('\r\n')).toEqual([
    'Critical: Partition 0 of transactions stopped',
    '',
    'Since 2026-11-21 10:00:00 UTC',
    'First: pulse partitions continue 0',
    '',
    'https://pulse.example.com/actions',
  ])
  expect(ended!.headers.get('subject')).toBe(
    '[Global Sales Pulse] Ended: Partition 0 of transactions stopped',
  )
  expect(ended!.body).toContain('From 2026-11-21 10:00:00 UTC to 2026-11-21 10:05:00 UTC')
  const id = started!.headers.get('message-id')
  expect(id).toBe('<alert-17-1795255200123-started@example.com>')
  expect(ended!.headers.get('references')).toBe(id)
  expect(ended!.headers.get('in-reply-to')).toBe(id)
  expect(ended!.headers.get('message-id')).not.toBe(id)
})

test('a hostile summary adds no header and no recipient', async () => {
  const server = await aMailServer()
  await mailTo(server.port).send({ ...STARTED, summary: HOSTILE }, never)
  const [mail] = server.mails
  expect([...mail!.headers.keys()]).not.toContain('bcc')
  expect(mail!.to).toEqual(['night@example.com', 'day@example.com'])
  expect(mail!.headers.get('subject')).toMatch(/^\[Global Sales Pulse\] Critical: a <!channel> &/)
})

test.for([
  ['a wrong password', { password: 'wr0ng' }, 'the mail server refuses the login (535)'],
  [
    'an unknown mailbox',
    { to: 'nobody@example.com' },
    'the mail server refuses the sender or a recipient (550)',
  ],
] as const)('mail with %s fails, and says so without secrets', async ([, settings, expected]) => {
  const server = await aMailServer()
  expect(await attempt(mailTo(server.port, settings), STARTED, never)).toBe(expected)
})

test('no mail server, and one that says nothing', async () => {
  expect(await attempt(mailTo(1), STARTED, never)).toBe('no connection to the mail server')
  const closed = Promise.withResolvers<void>()
  const silent = createServer((socket) => {
    socket.resume()
    socket.on('error', () => undefined).on('close', () => closed.resolve())
  })
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
  onTestFinished(() => void silent.close())
  const { port } = silent.address() as AddressInfo
  expect(await attempt(mailTo(port), STARTED, never, 300)).toBe('no answer within 0.3 s')
  await closed.promise // the connection is not left open
})

test('a test alert goes to every channel, and each result is told', async () => {
  const receiver = await anHttpReceiver()
  const broken = await anHttpReceiver()
  broken.answer(410)
  const server = await aMailServer()
  const lines: string[] = []
  const logger = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) })
  const results = await sendTestAlert(
    readConfig(['alerts', 'console'], {
      ALERT_WEBHOOK_URL: receiver.url,
      ALERT_SLACK_WEBHOOK_URL: `${broken.url}/s3cret`,
      ALERT_SMTP_URL: `smtp://${MAIL_USER}:wr0ng@127.0.0.1:${server.port}`,
      ALERT_EMAIL_FROM: 'pulse@example.com',
      ALERT_EMAIL_TO: 'night@example.com',
      CONSOLE_URL: 'https://pulse.example.com',
    }),
    logger,
  )
  expect(results).toEqual([
    { channel: 'webhook', ok: true, error: null },
    { channel: 'slack', ok: false, error: 'answered 410' },
    { channel: 'email', ok: false, error: 'the mail server refuses the login (535)' },
  ])
  expect(receiver.received[0]!.body).toMatchObject({
    event: 'test',
    id: null,
    rule: 'test',
    ended_at: null,
    link: 'https://pulse.example.com/',
  })
  expect(lines).toHaveLength(3)
  expect(lines.join()).not.toMatch(/s3cret|wr0ng/)
})

test('a test mail names itself and begins no thread', async () => {
  const server = await aMailServer()
  await mailTo(server.port).send(TEST, never)
  expect(server.mails[0]!.headers.get('subject')).toMatch(/^\[Global Sales Pulse\] Test: /)
  expect(server.mails[0]!.headers.get('message-id')).not.toContain('alert-')
})
