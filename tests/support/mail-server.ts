import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { callbackify } from 'node:util'
import { SMTPServer, type SMTPServerSession } from 'smtp-server'
import { onTestFinished } from 'vitest'

export interface Mail {
  readonly from: string
  readonly to: readonly string[]
  /** By lower-case name, unfolded. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

export interface MailServer {
  readonly port: number
  readonly mails: readonly Mail[]
}

export const MAIL_USER = 'pulse'
export const MAIL_PASSWORD = 'c0rrect-horse'

/** A real SMTP server that wants MAIL_USER's password and keeps the mails. Closed when the test ends. */
export async function aMailServer(): Promise<MailServer> {
  const mails: Mail[] = []
  const server = new SMTPServer({
    disabledCommands: ['STARTTLS'],
    allowInsecureAuth: true,
    onAuth: ({ username, password }, _session, done) => {
      if (username === MAIL_USER && password === MAIL_PASSWORD) done(null, { user: username })
      else done(new Error(`I know no ${username} with the password ${password}`))
    },
    onRcptTo: ({ address }, _session, done) =>
      done(address.startsWith('nobody@') ? new Error('no such mailbox') : null),
    onData: callbackify(async (stream: Readable, { envelope }: SMTPServerSession) => {
      const [head, ...body] = (await text(stream)).split('\r\n\r\n')
      mails.push({
        from: envelope.mailFrom === false ? '' : envelope.mailFrom.address,
        to: envelope.rcptTo.map(({ address }) => address),
        headers: parseHeaders(head!),
        body: body.join('\r\n\r\n').replaceAll('=\r\n', ''),
      })
    }),
  })
  server.on('error', () => undefined) // a client that hangs up
  const listening = server.listen(0, '127.0.0.1')
  await once(listening, 'listening')
  onTestFinished(() => server.close(() => undefined))
  return { port: (listening.address() as AddressInfo).port, mails }
}

function parseHeaders(head: string): Map<string, string> {
  const lines = head.replaceAll(/\r\n[ \t]+/g, ' ').split('\r\n')
  return new Map(
    lines.map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    }),
  )
}
