import { plain } from '../text/excerpt.ts'
import type { Notification } from './channel.ts'

/** Code points of a headline: a subject line that nobody has to scroll. */
const HEADLINE_LENGTH = 200

/** What happened, in one printable line, whatever the summary quotes. */
export function headline({ event, severity, summary }: Notification): string {
  const labels = { started: severity === 'critical' ? 'Critical' : 'Warning', ended: 'Ended', test: 'Test' }
  return plain(`${labels[event]}: ${summary}`, HEADLINE_LENGTH)
}

/** Since when, or from when to when. */
export function period({ startedAt, endedAt }: Notification): string {
  return endedAt === null ? `Since ${utc(startedAt)}` : `From ${utc(startedAt)} to ${utc(endedAt)}`
}

/** 2026-11-21 10:00:00 UTC */
function utc(time: Date): string {
  return `${time.toISOString().slice(0, 19).replace('T', ' ')} UTC`
}
