import { ConfigError, type Config } from '../../etl/process/config.ts'
import { KafkaUnreachable, reasonOf } from '../../etl/kafka/errors.ts'
import { scrub } from '../../etl/process/log.ts'
import { explainedTls } from '../../etl/postgres/tls.ts'

/** Wrong use of a command, that its parser can't see: exit 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** A command that could not do what it was asked to: exit 1, with this sentence and nothing else. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed'
}

export const EXIT = { ok: 0, failed: 1, usage: 2, findings: 6 } as const

export function exitCodeOf(error: unknown): number {
  return error instanceof UsageError || error instanceof ConfigError ? EXIT.usage : EXIT.failed
}

/** What went wrong, for people, without secrets: of an error's causes the one that says it. */
export function sentenceOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return sentenceOf(error.errors[0])
  return scrub(error instanceof Error && error.message !== '' ? error.message : String(error))
}

/** Says which server does not answer, and at which address. */
export function explain(thrown: unknown, config: Partial<Config<'kafka' | 'database'>>): string {
  const error = explainedTls(thrown)
  if (isKafkaError(error) && config.KAFKA_BROKERS !== undefined)
    return `Kafka at ${config.KAFKA_BROKERS.join(',')}: ${scrub(reasonOf(error))}`
  if (isConnectionError(error) && config.DATABASE_URL !== undefined)
    return `the warehouse at ${addressOf(config.DATABASE_URL)}: ${sentenceOf(error)}`
  return sentenceOf(error)
}

const isKafkaError = (error: unknown): boolean =>
  error instanceof KafkaUnreachable || (error instanceof Error && error.name.startsWith('KafkaJS'))

/** The socket's own errors have a code such as ECONNREFUSED; pg's time limit has none; Postgres' have a severity. */
function isConnectionError(error: unknown): boolean {
  return (
    error instanceof AggregateError ||
    (error instanceof Error &&
      ('severity' in error || 'syscall' in error || /connection|timeout/i.test(error.message)))
  )
}

/** Host, port and database: never the password, which a URL without // would have in its path. */
function addressOf(databaseUrl: string): string {
  const { host, pathname } = new URL(databaseUrl)
  return host === '' ? 'DATABASE_URL' : `${host}${pathname}`
}
