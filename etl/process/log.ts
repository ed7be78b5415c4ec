import { messageOf } from '../text/message-of.ts'
import { pino, type Logger } from 'pino'
import pretty from 'pino-pretty'

export type { Logger } from 'pino'

/**
 * JSON lines, or readable ones where a person looks at a terminal. Both are written synchronously,
 * so that the last line before a crash is in the log.
 */
export function createLogger(level: string, base: Record<string, unknown> = {}): Logger {
  const options = {
    level,
    base,
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: describeError },
  }
  return process.stdout.isTTY
    ? pino(options, pretty({ sync: true, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss' }))
    : pino(options, pino.destination({ sync: true }))
}

/**
 * What of an error may be logged. Names what helps and nothing else: errors carry connection
 * strings (ERR_INVALID_URL's `input`), bound parameters and whole requests along.
 */
export function describeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: scrub(String(error)) }
  const {
    code,
    constraint,
    table,
    routine,
    detail: _detail,
    ...rest
  } = error as Error & Record<string, unknown>
  void rest
  return {
    type: error.name,
    message: scrub(error.message),
    ...(code === undefined ? {} : { code }),
    ...(constraint === undefined ? {} : { constraint }),
    ...(table === undefined ? {} : { table }),
    ...(routine === undefined ? {} : { routine }),
    stack: scrub(error.stack ?? ''),
    ...(error.cause === undefined ? {} : { cause: describeError(error.cause) }),
  }
}

/** Takes passwords out of URLs that some library put into a message; the last @ ends one, as it may hold others. */
export function scrub(text: string): string {
  return text.replaceAll(/\b([a-z][a-z0-9+]*:\/\/[^\s:/@]*):\S*@/gi, '$1:***@')
}

/** What an error says, fit to be stored and shown: without passwords, 2,000 characters at most. */
export const storedMessage = (error: unknown): string => scrub(messageOf(error)).slice(0, 2_000)
