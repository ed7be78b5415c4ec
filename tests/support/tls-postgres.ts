import { chmodSync, chownSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Client } from 'pg'
import { inject } from 'vitest'
import { startLocalPostgres } from '../../scripts/servers/local-postgres.ts'
import { watchedDirectory, type Watchdog } from '../../scripts/servers/watchdog.ts'
import { postgresUser } from '../../scripts/servers/postgres.ts'
import { anAuthority, type Authority } from './certificates.ts'

/** A Postgres that takes nobody without TLS. */
export interface TlsPostgres {
  readonly authority: Authority
  /** Of somebody else. */
  readonly strangers: Authority
  /** A maintenance database, with the server's certificate and name checked. */
  readonly databaseUrl: string
  stop(): Promise<void>
}

/** Gives the reason, for a skip, where this machine can run Postgres in containers only. */
export async function aTlsPostgres(): Promise<TlsPostgres | string> {
  const { directory, watchdog } = watchedDirectory()
  try {
    return await start(directory, watchdog)
  } catch (error) {
    await watchdog.end()
    if (inject('mode') === 'local') throw error
    return `no Postgres with TLS to be had: ${(error as Error).message}`
  }
}

async function start(directory: string, watchdog: Watchdog): Promise<TlsPostgres> {
  const authority = anAuthority(directory)
  const { cert, key } = authority.issue('postgres', 'IP:127.0.0.1')
  const user = postgresUser()
  if (user !== undefined) chownSync(key, user.uid, user.gid)
  chmodSync(key, 0o600) // or Postgres refuses it
  const { databaseUrl, data } = await startLocalPostgres(directory, watchdog, {
    say: () => undefined,
    kafkaSettings: {},
    postgresSettings: { ssl: 'on', ssl_cert_file: cert, ssl_key_file: key },
  })
  const verified = withParameters(databaseUrl, { sslmode: 'verify-full', sslrootcert: authority.ca })
  writeFileSync(join(data, 'pg_hba.conf'), 'hostssl all all 127.0.0.1/32 scram-sha-256\n')
  const admin = new Client({ connectionString: verified })
  await admin.connect()
  await admin.query('select pg_reload_conf()')
  await admin.end()
  return {
    authority,
    strangers: anAuthority(directory),
    databaseUrl: verified,
    stop: () => watchdog.end(),
  }
}

/** The URL with these parameters and no others. */
export function withParameters(databaseUrl: string, parameters: Readonly<Record<string, string>>): string {
  const url = new URL(databaseUrl)
  url.search = new URLSearchParams(parameters).toString()
  return url.href
}
