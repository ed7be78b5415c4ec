import type { ClientBase } from 'pg'
import {
  appliedMigrations,
  FOLDERS,
  JOURNALS,
  readMigrations,
  requireSame,
  type Migration,
  type Migrations,
} from '../../etl/postgres/migrations.ts'
import type { Definition } from '../../etl/stream/definition.ts'
import { registerStreams } from '../../etl/stream/registry.ts'
import { makeViews } from '../../etl/stream/views.ts'
import { streams as declared } from '../../etl/installation.ts'
import { messageOf } from '../../etl/text/message-of.ts'
import { isAsDeclared, reportRights, type RightsReport } from '../rights/judge.ts'
import type { SchemaReport } from '../schema-validator/report.ts'
import { validateSchema } from '../schema-validator/validate.ts'
import { withClient } from '../with-client.ts'
import { ensureRoles, prepareDatabase } from './roles.ts'
import { dropUnusedTables, grantStreams, hasBaseline } from './streams.ts'

interface MigrationResult {
  /** Tags of what was applied now; empty where all was there. */
  readonly applied: readonly string[]
  readonly report: SchemaReport
  readonly rights: RightsReport
}

/** The gate is shut: nothing of this migration was kept. */
export class MigrationRefused extends Error {
  override readonly name = 'MigrationRefused'
  /** What was found, where it came to that. */
  readonly found: Omit<MigrationResult, 'applied'> | undefined

  constructor(message: string, found?: Omit<MigrationResult, 'applied'>) {
    super(message)
    this.found = found
  }
}

/**
 * Applies what is missing, validates the whole and checks who may do what, in one transaction: all of it
 * holds, or the database is as it was. drizzle's own migrator is not used because it sends a COMMIT of its own.
 *
 * Safe to run twice at once: the advisory lock is taken first and held until the commit, so the second
 * waits and then finds nothing to do.
 *
 * @throws MigrationRefused, MigrationMismatch, RolesMissing, or what Postgres says of a broken statement.
 */
export async function migrate(
  databaseUrl: string,
  { migrations = readMigrations(), streams = declared, folder = FOLDERS.streams }: MigrateOptions = {},
): Promise<MigrationResult> {
  return withClient(databaseUrl, (client) => migrateOn(client, { migrations, streams, folder }), {
    connectionTimeoutMillis: 5_000,
    application_name: 'global-sales-pulse migrate',
  })
}

/** This source tree's own unless told otherwise. */
export interface MigrateOptions {
  readonly migrations?: Migrations
  /** Whose tables the streams' migrations make. */
  readonly streams?: readonly Definition[]
  /** Of the streams' migrations. */
  readonly folder?: URL
}

async function migrateOn(
  client: ClientBase,
  { migrations, streams, folder }: Required<MigrateOptions>,
): Promise<MigrationResult> {
  await client.query('begin')
  await client.query(`select pg_advisory_xact_lock(hashtext('pulse: migrate'))`)
  await client.query(`set local timezone to 'UTC'; set local lock_timeout to '10s'`)
  const wrong = await wrongSettings(client)
  if (wrong.length > 0)
    throw new MigrationRefused(
      `the server's settings break a promise:\n${wrong.map((w) => `  ${w}`).join('\n')}`,
    )
  await ensureRoles(client)
  await prepareDatabase(client)
  await client.query('set local role pulse_owner')
  const applied = await applyMissing(client, migrations, streams, folder)
  await registerStreams(client, streams)
  await makeViews(client, streams)
  await grantStreams(client, streams)
  const report = await validateSchema(client, { schemas: ['warehouse', 'audit'], inTransaction: true })
  const rights = await reportRights(client, streams)
  const found = { report, rights }
  if (!report.valid)
    throw new MigrationRefused('the schema did not pass validation; nothing was changed', found)
  if (!isAsDeclared(rights))
    throw new MigrationRefused('roles may do more or less than they should; nothing was changed', found)
  await client.query('commit')
  return { applied, ...found }
}

async function applyMissing(
  client: ClientBase,
  migrations: Migrations,
  streams: readonly Definition[],
  folder: URL,
): Promise<string[]> {
  await client.query(`
    create schema if not exists audit;
    create table if not exists audit.schema_migrations (
      id integer generated always as identity primary key,
      tag text not null unique,
      hash text not null,
      applied_at timestamptz not null default now()
    )`)
  const there = (await appliedMigrations(client)) ?? { engine: [], streams: [] }
  // What is on record must be the beginning of what we have.
  for (const journal of JOURNALS)
    requireSame(there[journal], migrations[journal].slice(0, there[journal].length))
  const applied: string[] = []
  for (const migration of migrations.engine.slice(there.engine.length)) {
    await run(client, migration)
    await client.query('insert into audit.schema_migrations (tag, hash) values ($1, $2)', [
      migration.tag,
      migration.hash,
    ])
    applied.push(migration.tag)
  }
  await dropUnusedTables(client, streams)
  for (const [i, migration] of migrations.streams.entries()) {
    if (i < there.streams.length) continue
    // The first may be of tables that earlier versions made: then it is recorded, not run.
    const isThere = i === 0 && (await refusing(migration.tag, () => hasBaseline(client, folder)))
    if (!isThere) await run(client, migration)
    await client.query(
      `insert into audit.schema_migrations (journal, tag, hash) values ('streams', $1, $2)`,
      [migration.tag, migration.hash],
    )
    applied.push(`streams/${migration.tag}`)
  }
  return applied
}

async function run(client: ClientBase, { tag, statements }: Migration): Promise<void> {
  for (const statement of statements)
    await refusing(tag, () => client.query(statement), `\n  in: ${statement.slice(0, 200)}`)
}

async function refusing<T>(tag: string, work: () => Promise<T>, where = ''): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw new MigrationRefused(`migration ${tag} failed, nothing was changed: ${messageOf(error)}${where}`)
  }
}

/** Without these a commit may be lost, or a claim be missed: the promises rest on them. */
const REQUIRED: readonly { setting: string; accepted: readonly string[]; why: string }[] = [
  { setting: 'fsync', accepted: ['on'], why: 'a crash of the server could lose what was committed' },
  { setting: 'full_page_writes', accepted: ['on'], why: 'a crash of the machine could tear pages' },
  {
    setting: 'synchronous_commit',
    accepted: ['on', 'remote_apply', 'remote_write', 'local'],
    why: 'the offset would be committed before the rows are safe',
  },
  {
    setting: 'default_transaction_isolation',
    accepted: ['read committed'],
    why: 'an order that a rival commits meanwhile must be visible to the second look-up',
  },
  { setting: 'server_encoding', accepted: ['UTF8'], why: 'the message contract is Unicode' },
  { setting: 'transaction_read_only', accepted: ['off'], why: 'this is a standby or a read-only database' },
]

/** What of the server's settings breaks a promise, in a sentence each; empty when all is right. */
async function wrongSettings(client: ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ name: string; value: string }>(
    `select name, current_setting(name) as value from unnest($1::text[]) as name`,
    [REQUIRED.map(({ setting }) => setting)],
  )
  const found = new Map(rows.map(({ name, value }) => [name, value]))
  return REQUIRED.filter(({ setting, accepted }) => !accepted.includes(found.get(setting) ?? '')).map(
    ({ setting, accepted, why }) =>
      `${setting} is ${found.get(setting) ?? 'unknown'}, it must be ${accepted.join(' or ')}: ${why}`,
  )
}
