import { createTransport, type SendMailOptions } from 'nodemailer'
import { DeliveryFailed, headline, period, type ChannelFactory, type Notification } from '../channel.ts'

/** Plain text by SMTP. Without a connection kept open: alerts are few, and far between. */
export const email: ChannelFactory = ({
  ALERT_SMTP_URL: url,
  ALERT_EMAIL_FROM: from,
  ALERT_EMAIL_TO: to,
}) => {
  if (url === undefined || from === undefined || to === undefined) return undefined
  const sender = from.join()
  const transport = createTransport({ url, disableFileAccess: true, disableUrlAccess: true })
  return {
    name: 'email',
    send: async (notification, signal) => {
      await transport
        .sendMail({ from: sender, to: [...to], signal, ...mail(notification, domainOf(sender)) })
        .catch((error: unknown) => {
          throw new DeliveryFailed(problem(error))
        })
    },
  }
}

function mail(notification: Notification, domain: string): SendMailOptions {
  const { event, firstAction, link } = notification
  return {
    subject: `[Global Sales Pulse] ${headline(notification)}`,
    text: [
      headline(notification),
      '',
      period(notification),
      ...(event === 'ended' ? [] : [`First: ${firstAction}`]),
      '',
      link,
      '',
    ].join('\n'),
    headers: { 'auto-submitted': 'auto-generated' },
    ...thread(notification, domain),
  }
}

/**
 * Names that stay the same when a mail is sent again, so that mailboxes can recognise it, and that put the end
 * of an alert below its beginning. The time is in them because ids begin anew with another warehouse.
 */
function thread({ event, id, startedAt }: Notification, domain: string): SendMailOptions {
  if (event === 'test') return {}
  const started = `<alert-${id}-${startedAt.getTime()}-started@${domain}>`
  if (event === 'started') return { messageId: started }
  return { messageId: started.replace('-started@', '-ended@'), inReplyTo: started, references: started }
}

const domainOf = (address: string): string => address.slice(address.lastIndexOf('@') + 1)

const PROBLEMS: Readonly<Record<string, string>> = {
  EAUTH: 'the mail server refuses the login',
  ENOAUTH: 'the mail server refuses the login',
  EENVELOPE: 'the mail server refuses the sender or a recipient',
  EMESSAGE: 'the mail server refuses the message',
  ETLS: 'no TLS with the mail server',
  EDNS: 'the mail server’s name is not known',
  ECONNECTION: 'no connection to the mail server',
  ESOCKET: 'no connection to the mail server',
  ETIMEDOUT: 'the mail server does not answer',
}

/** By nodemailer's code and the server's number; the server's text might repeat what it was sent. */
function problem(error: unknown): string {
  const { code, responseCode } = error as { code?: unknown; responseCode?: unknown }
  const what = PROBLEMS[String(code)] ?? `the mail could not be sent (${String(code)})`
  return typeof responseCode === 'number' ? `${what} (${responseCode})` : what
}
