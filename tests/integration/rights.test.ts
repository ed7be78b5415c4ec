import { randomBytes } from 'node:crypto'
import { Client } from 'pg'
import { expect, inject, onTestFinished, test } from 'vitest'
import { readMigrations, type Migration } from '../../etl/postgres/migrations.ts'
import { ensureLogins, grafanaLogin } from '../../scripts/logins.ts'
import { migrate, MigrationRefused } from '../../scripts/migration/migrate.ts'
import { renderRights } from '../../scripts/rights/render.ts'
import { streams } from '../../streams/index.ts'
import { reportRights } from '../../scripts/rights/judge.ts'
import { startChild } from '../support/child.ts'
import { createDatabase } from '../support/database.ts'
import { roles } from '../support/messages.ts'
import { stream } from '../support/stream.ts'

const FACTS = `warehouse.${stream.name}`
/** The table of keys where there is one: the loader may select and insert there. */
const KEYS =
  stream.definition.identity.scope === 'warehouse' ? `warehouse.${stream.definition.identity.keys}` : FACTS
const [ONE, OTHER] = [roles.other, roles.another].map((field) => roles.columns[field]!) as [string, string]

/** A database that is migrated, and a superuser's session in it. */
async function aWarehouse(adminUrl = inject('databaseUrl')) {
  const database = await createDatabase(adminUrl)
  await migrate(database.url)
  const client = new Client({ connectionString: database.url })
  await client.connect()
  onTestFinished(async () => {
    await client.end()
    await database.drop()
  })
  return { url: database.url, name: database.name, client }
}

const messages = async (client: Client) =>
  (await reportRights(client, streams)).findings.map(({ message }) => message)
const aMigration = (...statements: string[]): Migration => ({ tag: '9999_test', statements, hash: 'test' })
const own = readMigrations()
const and = (migration: Migration) => ({ migrations: { ...own, streams: [...own.streams, migration] } })

test('a warehouse that is migrated has the rights that are declared, and they can be read', async () => {
  const { client } = await aWarehouse()
  const report = await reportRights(client, streams)
  expect(report.findings).toEqual([])
  const text = renderRights(report)
  expect(text).toMatch(/pulse_loader\n +CONNECT +database\n/)
  expect(text).toMatch(/UPDATE +audit\.alerts \(ended_at\), audit\.data_losses \(acknowledged_at,/)
  expect(text).toMatch(/PUBLIC\n +nothing\n +✅ Nobody may do more or less than is declared$/)
  expect(text.split('\n').filter((line) => line.length > 110)).toEqual([])
})

const TOO_WIDE: [grant: string, said: string][] = [
  ['grant delete on audit.dead_letters to pulse_loader', 'pulse_loader has DELETE on audit.dead_letters'],
  [`grant truncate on ${FACTS} to pulse_loader`, `pulse_loader has TRUNCATE on ${FACTS}`],
  [`grant update on ${FACTS} to pulse_loader`, `pulse_loader has UPDATE on ${FACTS}`],
  [
    'grant update (code) on audit.dead_letters to pulse_loader',
    'pulse_loader has UPDATE (code) on audit.dead_letters',
  ],
  ['grant maintain on audit.control to pulse_loader', 'pulse_loader has MAINTAIN on audit.control'],
  [
    `grant select on ${KEYS} to pulse_loader with grant option`,
    `pulse_loader has SELECT WITH GRANT OPTION on ${KEYS}`,
  ],
  ['grant create on schema warehouse to pulse_loader', 'pulse_loader has CREATE on schema warehouse'],
  [
    'grant execute on function pg_advisory_lock(bigint) to pulse_loader',
    'pulse_loader has EXECUTE on pg_catalog.pg_advisory_lock(bigint)',
  ],
  [
    'grant select (value) on audit.dead_letters to pulse_reader',
    'pulse_reader has SELECT (value) on audit.dead_letters',
  ],
  [
    'grant select on audit.console_sessions to pulse_reader',
    'pulse_reader has SELECT on audit.console_sessions',
  ],
  [
    'grant select on audit.operator_actions to pulse_reader',
    'pulse_reader has SELECT on audit.operator_actions',
  ],
  ['grant insert on audit.workers to pulse_reader', 'pulse_reader has INSERT on audit.workers'],
  [`grant select on ${FACTS} to public`, `PUBLIC has SELECT on ${FACTS}`],
  ['grant usage on schema audit to public', 'PUBLIC has USAGE on schema audit'],
  ['grant create on schema public to public', 'PUBLIC has CREATE on schema public'],
  ['grant temp on database $database to public', 'PUBLIC has TEMP on database'],
  [
    'grant execute on function audit.prune_runs(integer) to public',
    'PUBLIC has EXECUTE on audit.prune_runs(integer)',
  ],
  [
    'grant usage on sequence audit.alerts_id_seq to public',
    'PUBLIC has USAGE on sequence audit.alerts_id_seq',
  ],
  [
    `select audit.ensure_partition('${stream.name}', '2020-01-01'); grant select on ${FACTS}_2020_01 to pulse_reader`,
    `pulse_reader has SELECT on ${FACTS}_2020_01`,
  ],
  ['alter role pulse_loader createrole', 'pulse_loader has CREATEROLE'],
  ['alter role pulse_reader superuser', 'pulse_reader has SUPERUSER'],
  ['grant pg_read_all_data to pulse_reader', 'pulse_reader is a member of pg_read_all_data'],
  ['grant pulse_owner to pulse_loader', 'pulse_loader is a member of pulse_owner'],
  [
    'create role $login login; grant pulse_reader, pulse_owner to $login',
    '$login is a member of pulse_owner',
  ],
  [
    'create role $login login; create role $group; grant pulse_loader, $group to $login; grant pg_execute_server_program to $group',
    '$login is a member of pg_execute_server_program by way of $group',
  ],
  ['create role $login login createdb; grant pulse_loader to $login', '$login has CREATEDB'],
  [
    `create role $login login; grant pulse_reader to $login; grant insert on ${KEYS} to $login`,
    `$login has INSERT on ${KEYS}`,
  ],
  [
    'create role $login; grant select on audit.dead_letters to $login',
    '$login has SELECT on audit.dead_letters',
  ],
  ['create role $login; alter table audit.workers owner to $login', 'audit.workers belongs to $login'],
  ['create table warehouse.mine ()', 'warehouse.mine belongs to '],
  [
    'alter function audit.ensure_partition(text, timestamptz) reset search_path',
    `audit.ensure_partition(text, timestamp with time zone) acts with its owner's rights`,
  ],
  [
    'alter function audit.drop_partition(text, date) set search_path = pg_catalog, public',
    `audit.drop_partition(text, date) acts with its owner's rights`,
  ],
]

const MISSING: [revoke: string, said: string][] = [
  [`revoke select on ${FACTS} from pulse_reader`, `pulse_reader lacks SELECT on ${FACTS}`],
  [
    'revoke update (attempts) on audit.dead_letters from pulse_loader',
    'pulse_loader lacks UPDATE (attempts) on audit.dead_letters',
  ],
  [
    'revoke execute on function audit.ensure_partition(text, timestamptz) from pulse_loader',
    'pulse_loader lacks EXECUTE on audit.ensure_partition(text, timestamp with time zone)',
  ],
  ['revoke usage on schema audit from pulse_reader', 'pulse_reader lacks USAGE on schema audit'],
]

test('each right that is too wide or missing is named, and the statement beside it mends it', async () => {
  const { client, name } = await aWarehouse()
  const suffix = randomBytes(4).toString('hex')
  const filled = (text: string) =>
    text
      .replaceAll('$database', name)
      .replaceAll('$login', `login_${suffix}`)
      .replaceAll('$group', `group_${suffix}`)
  for (const [change, said] of [...TOO_WIDE, ...MISSING]) {
    // Never committed: roles are the whole server's.
    await client.query('begin')
    await client.query(filled(change))
    const { findings } = await reportRights(client, streams)
    expect([change, findings]).toEqual([
      change,
      [{ level: 'error', message: expect.stringContaining(filled(said)), statement: expect.any(String) }],
    ])
    await client.query(findings[0]!.statement)
    expect([change, await messages(client)]).toEqual([change, []])
    await client.query('rollback')
  }
})

test('a login that is a member of ours must not own the database', async () => {
  const { client, name } = await aWarehouse()
  const login = `owner_${randomBytes(4).toString('hex')}`
  await client.query('begin')
  await client.query(
    `create role ${login} login; grant pulse_loader to ${login}; alter database ${name} owner to ${login}`,
  )
  expect(await messages(client)).toContain(`${login} owns the database`)
  await client.query('rollback')
})

test('others may be given what the reader may, and those who may hand on pulse_owner are taken for administrators', async () => {
  const { client } = await aWarehouse()
  const [analyst, boss] = ['analyst', 'boss'].map((word) => `${word}_${randomBytes(4).toString('hex')}`)
  await client.query('begin')
  await client.query(`create role ${analyst}; grant usage on schema warehouse to ${analyst};
    grant select (${ONE}, ${OTHER}) on ${FACTS} to ${analyst};
    create role ${boss} login createrole; grant pulse_owner, pulse_loader to ${boss} with admin option`)
  const report = await reportRights(client, streams)
  expect(report.findings).toEqual([])
  expect(renderRights(report)).toMatch(
    new RegExp(
      `${analyst}\\n +USAGE +schema warehouse\\n +SELECT +${FACTS} \\((${ONE}, ${OTHER}|${OTHER}, ${ONE})\\)`,
    ),
  )
  expect(renderRights(report)).toMatch(new RegExp(`pulse_owner owns .*${boss}`))
  await client.query('rollback')
})

test.for([
  ['grants too much', 'grant delete on audit.dead_letters to pulse_loader', /pulse_loader has DELETE/],
  [
    'gives rights on a new table that are not declared',
    'create table warehouse.fresh (id int primary key); grant select on warehouse.fresh to pulse_reader',
    /pulse_reader has SELECT on warehouse.fresh/,
  ],
  [
    'makes a function that can be deceived',
    `create function warehouse.fresh() returns int language sql security definer as 'select 1'`,
    /warehouse.fresh\(\) acts with its owner's rights/,
  ],
] as const)('a migration that %s is refused, and nothing of it stays', async ([, sql, said]) => {
  const { url, client } = await aWarehouse()
  const refusal = migrate(url, and(aMigration(sql))).catch((error: unknown) => error)
  const error = (await refusal) as MigrationRefused
  expect(error).toBeInstanceOf(MigrationRefused)
  expect(error.message).toBe('roles may do more or less than they should; nothing was changed')
  expect(error.found?.report.valid).toBe(true)
  expect(error.found?.rights.findings).toEqual([
    expect.objectContaining({ message: expect.stringMatching(said) }),
  ])
  expect(await messages(client)).toEqual([])
})

test('what a later migration makes is nobody else’s, until it says so', async () => {
  const { url } = await aWarehouse()
  const harmless = aMigration(
    'create table warehouse.fresh (id int primary key)',
    `create function warehouse.fresh() returns int language sql as 'select 1'`,
  )
  expect((await migrate(url, and(harmless))).rights.findings).toEqual([])
})

test('the command prints the rights, and ends with 1 where they are not as declared', async () => {
  const { url, client } = await aWarehouse()
  const first = startChild('scripts/rights.ts', { DATABASE_URL: url })
  expect(await first.exited).toBe(0)
  expect(first.output()).toContain('✅ Nobody may do more or less than is declared')

  await client.query('grant delete on audit.workers to pulse_reader')
  const second = startChild('scripts/rights.ts', { DATABASE_URL: url })
  expect(await second.exited).toBe(1)
  expect(second.output()).toContain(
    '❌ pulse_reader has DELETE on audit.workers:\n     revoke DELETE on table',
  )
  const gate = startChild('scripts/migrate.ts', { DATABASE_URL: url })
  expect(await gate.exited).toBe(1)
  expect(gate.output()).toContain('❌ pulse_reader has DELETE on audit.workers:')

  const third = startChild('scripts/rights.ts', { DATABASE_URL: inject('databaseUrl') })
  expect(await third.exited).toBe(1)
  expect(third.output()).toContain('the warehouse was never migrated: run npm run migrate')
})

test('without a superuser it migrates too, and names what an administrator may still do', async () => {
  const admin = new Client({ connectionString: inject('databaseUrl') })
  await admin.connect()
  const login = `managed_${randomBytes(4).toString('hex')}`
  await admin.query(`create role ${login} login createdb createrole password 'not-a-secret'`)
  onTestFinished(async () => {
    await admin.query(`drop role ${login}`)
    await admin.end()
  })
  await admin.query(`grant pulse_owner, pulse_loader, pulse_reader to ${login} with admin option`)
  const url = new URL(inject('databaseUrl'))
  url.username = login
  url.password = 'not-a-secret'

  const warehouse = await aWarehouse(url.href)
  const { findings } = await reportRights(warehouse.client, streams)
  expect(findings).toMatchObject([
    { level: 'warning', message: expect.stringContaining('everybody may take locks') },
  ])
  const command = startChild('scripts/migrate.ts', { DATABASE_URL: warehouse.url })
  expect(await command.exited).toBe(0)
  expect(command.output()).toContain('⚠️ everybody may take locks that hold up a migration')

  const grafana = `grafana_${randomBytes(4).toString('hex')}`
  expect(await ensureLogins(warehouse.url, [{ ...grafanaLogin('not-a-secret'), name: grafana }])).toEqual([
    `login ${grafana}: without temp_file_limit = 1GB, which only a superuser may set`,
  ])
  await admin.query(`drop role ${grafana}`)

  const there = new Client({
    connectionString: inject('databaseUrl').replace(/\/[^/]*$/, `/${warehouse.name}`),
  })
  await there.connect()
  await there.query(findings[0]!.statement)
  expect(await messages(there)).toEqual([])
  await there.end()
  expect((await migrate(warehouse.url)).rights.findings).toEqual([])
})
