/**
 * Settings of the Postgres servers that we start. What decides durability (fsync, synchronous_commit) stays
 * as Postgres has it: the product refuses a warehouse that may lose commits.
 */
const POSTGRES_SETTINGS: Readonly<Record<string, string>> = {
  max_connections: '200',
  timezone: 'UTC',
  log_timezone: 'UTC',
}

export const INITDB_ARGS: readonly string[] = ['--encoding=UTF8', '--locale=C']

/** As arguments of `postgres`; later settings win. */
export function postgresArgs(...layers: readonly Readonly<Record<string, string>>[]): string[] {
  const settings: Record<string, string> = Object.assign({}, POSTGRES_SETTINGS, ...layers)
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}
