import { readConfig } from '../../etl/config.ts'
import { postgresVersion } from './postgres.ts'
import type { Servers } from './types.ts'

/**
 * The servers that KAFKA_BROKERS and DATABASE_URL name. They belong to somebody: nothing here changes
 * them, and they have no controls, so nobody does faults to them.
 *
 * @throws Error if a variable is missing or wrong, or Postgres doesn't answer. Kafka may want TLS or a
 * password, which only the client knows how to do.
 */
export async function useGiven(env: NodeJS.ProcessEnv = process.env): Promise<Servers> {
  const names = ['KAFKA_BROKERS', 'KAFKA_BROKERS_FILE', 'DATABASE_URL', 'DATABASE_URL_FILE']
  if (names.every((name) => (env[name] ?? '') === ''))
    throw new Error('KAFKA_BROKERS and DATABASE_URL are not set')
  const { KAFKA_BROKERS: brokers, DATABASE_URL: databaseUrl } = readConfig(['kafka', 'database'], env)
  const { host } = new URL(databaseUrl)
  const version = await postgresVersion(databaseUrl)
  if (version === undefined) throw new Error(`Postgres at ${host} (DATABASE_URL) takes no queries`)
  return {
    mode: 'given',
    description: `given by the environment: PostgreSQL ${version} at ${host}, Kafka at ${brokers.join(',')}`,
    kafkaBrokers: brokers.join(','),
    databaseUrl,
    stop: () => Promise.resolve(),
  }
}
