import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { escapeIdentifier, escapeLiteral, type Client } from 'pg'
import { ConfigError, readConfig } from '../etl/process/config.ts'
import { explainedTls } from '../etl/postgres/tls.ts'
import { runCommand } from './command-failure.ts'
import { withClient } from './with-client.ts'

const HELP = `Usage: node scripts/logins.ts

Makes the logins of a warehouse that was migrated, or gives those that are there the passwords that are
set now: that of DATABASE_URL for the ETL, as a member of pulse_loader, and pulse_grafana, as a member of
pulse_reader. Safe to run again.

Reads MIGRATION_DATABASE_URL (who may make roles), DATABASE_URL, PULSE_GRAFANA_PASSWORD; each also as
NAME_FILE. Without PULSE_GRAFANA_PASSWORD Grafana's login is left alone.
Exit codes: 0 done, 1 failed (nothing was changed), 2 usage or configuration.`

interface Login {
  readonly name: string
  readonly password: string
  readonly memberOf: 'pulse_loader' | 'pulse_reader'
  readonly connectionLimit?: number
  /** Each session begins with them, whatever the client forgets: Postgres' names and values. */
  readonly settings?: Readonly<Record<string, string>>
}

/**
 * Brings the logins to what is wanted, all in one transaction. Sessions that are open go on.
 *
 * @returns a line for each setting that only a superuser may give and `adminUrl` is none.
 * @throws Error where a login is the one that connects, or a superuser: neither may become a program's.
 */
export function ensureLogins(adminUrl: string, logins: readonly Login[]): Promise<string[]> {
  const ensure = async (client: Client) => {
    await client.query('begin')
    await client.query(`select pg_advisory_xact_lock(hashtext('pulse: logins'))`)
    const leftOut: string[] = []
    for (const login of logins) leftOut.push(...(await ensureLogin(client, login)))
    await client.query('commit')
    return leftOut
  }
  return withClient(adminUrl, ensure, { connectionTimeoutMillis: 5_000 })
}

async function ensureLogin(client: Client, login: Login): Promise<string[]> {
  const { rows } = await client.query<{ unfit: boolean }>(
    'select rolsuper or rolname = session_user as unfit from pg_roles where rolname = $1',
    [login.name],
  )
  if (rows[0]?.unfit === true)
    throw new Error(`${login.name} is a superuser or the login of the migrations: name another one`)
  const role = escapeIdentifier(login.name)
  if (rows.length === 0) await client.query(`create role ${role}`)
  await client.query(
    `alter role ${role} login connection limit ${login.connectionLimit ?? -1}
       password ${escapeLiteral(scramVerifier(login.password))}`,
  )
  await client.query(`grant ${login.memberOf} to ${role}`)
  const leftOut: string[] = []
  for (const [setting, value] of Object.entries(login.settings ?? {})) {
    if (await mayGive(client, setting))
      await client.query(`alter role ${role} set ${escapeIdentifier(setting)} to ${escapeLiteral(value)}`)
    else leftOut.push(`login ${login.name}: without ${setting} = ${value}, which only a superuser may set`)
  }
  return leftOut
}

async function mayGive(client: Client, setting: string): Promise<boolean> {
  const { rows } = await client.query<{ may: boolean }>(
    `select context = 'user' or has_parameter_privilege(name, 'SET') as may from pg_settings where name = $1`,
    [setting],
  )
  return rows[0]?.may === true
}

const ITERATIONS = 4_096

/**
 * What Postgres keeps of a password (RFC 5803), made here so that the password itself is in no statement,
 * and so in no server log. `psql \password` does the same.
 *
 * @throws Error where the password is not plain ASCII: clients differ in how they normalise the rest.
 */
function scramVerifier(password: string, salt: Buffer = randomBytes(16)): string {
  if (!/^[\x21-\x7e]+$/.test(password))
    throw new Error('a password is blank or has other than ASCII characters')
  const salted = pbkdf2Sync(password, salt, ITERATIONS, 32, 'sha256')
  const key = (name: string) => createHmac('sha256', salted).update(name).digest()
  const stored = createHash('sha256').update(key('Client Key')).digest('base64')
  const server = key('Server Key').toString('base64')
  return `SCRAM-SHA-256$${ITERATIONS}:${salt.toString('base64')}$${stored}:${server}`
}

/** @throws ConfigError where the URL names no user or no password. */
function etlLogin(databaseUrl: string): Login {
  const { username, password } = new URL(databaseUrl)
  if (username === '' || password === '') throw new ConfigError('DATABASE_URL names no user or no password')
  return {
    name: decodeURIComponent(username),
    password: decodeURIComponent(password),
    memberOf: 'pulse_loader',
  }
}

/**
 * A dashboard that somebody built wrong must not be able to take the warehouse down. Who sends SQL of his own
 * can undo the timeouts for his session, but neither the limit of connections nor that of temporary files.
 */
export function grafanaLogin(password: string): Login {
  return {
    name: 'pulse_grafana',
    password,
    memberOf: 'pulse_reader',
    connectionLimit: 10, // Grafana's pool (maxOpenConns of its data source) and two to spare
    settings: {
      default_transaction_read_only: 'on',
      lock_timeout: '5s',
      statement_timeout: '10s',
      idle_in_transaction_session_timeout: '15s',
      transaction_timeout: '30s',
      temp_file_limit: '1GB',
    },
  }
}

function grafanaPassword(env = process.env): string | undefined {
  const value = env['PULSE_GRAFANA_PASSWORD']
  if (value !== undefined && value !== '') return value
  const file = env['PULSE_GRAFANA_PASSWORD_FILE']
  return file === undefined || file === '' ? undefined : readFileSync(file, 'utf8').trim()
}

async function main(): Promise<number> {
  const config = readConfig(['database'])
  if (config.MIGRATION_DATABASE_URL === undefined)
    throw new ConfigError('MIGRATION_DATABASE_URL is not set: a login that may make roles')
  const password = grafanaPassword()
  const logins = [etlLogin(config.DATABASE_URL), ...(password === undefined ? [] : [grafanaLogin(password)])]
  const leftOut = await ensureLogins(config.MIGRATION_DATABASE_URL, logins)
  for (const { name, memberOf } of logins) console.log(`login ${name}: a member of ${memberOf}`)
  for (const line of leftOut) console.log(line)
  return 0
}

if (import.meta.main) await runCommand(HELP, main, (thrown) => explainedTls(thrown, 'MIGRATION_DATABASE_URL'))
