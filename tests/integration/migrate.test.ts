import { Client } from 'pg'
import { expect, inject, onTestFinished, test } from 'vitest'
import { readMigrations, type Migration } from '../../etl/postgres/migrations.ts'
import { migrate, MigrationRefused } from '../../scripts/migration/migrate.ts'
import { startChild } from '../support/child.ts'
import { createDatabase } from '../support/database.ts'

/** An empty database, and a look at everything in it that is not Postgres' own. */
async function anEmptyDatabase() {
  const database = await createDatabase(inject('databaseUrl'))
  const client = new Client({ connectionString: database.url })
  await client.connect()
  onTestFinished(async () => {
    await client.end()
    await database.drop()
  })
  const objects = async () => {
    const { rows } = await client.query<{ object: string }>(
      `select format('%s %s %s', c.relkind, c.oid::regclass, array(
                select attname || ' ' || format_type(atttypid, atttypmod) from pg_attribute
                where attrelid = c.oid and attnum > 0 order by attnum)) as object
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' order by 1`,
    )
    return rows.map(({ object }) => object)
  }
  const applied = async () => {
    const { rows } = await client.query<{ tag: string }>(
      `select case journal when 'engine' then '' else journal || '/' end || tag as tag from audit.schema_migrations order by id`,
    )
    return rows.map(({ tag }) => tag)
  }
  return { url: database.url, client, objects, applied }
}

const aMigration = (...statements: string[]): Migration => ({ tag: '9999_test', statements, hash: 'test' })
const own = readMigrations()
const tags = [...own.engine.map(({ tag }) => tag), ...own.streams.map(({ tag }) => `streams/${tag}`)]
const and = (migration: Migration) => ({ migrations: { ...own, streams: [...own.streams, migration] } })

test('an empty database gets all migrations, once', async () => {
  const { url, applied } = await anEmptyDatabase()
  expect(await migrate(url)).toMatchObject({ applied: tags, report: { valid: true } })
  expect(await migrate(url)).toMatchObject({ applied: [], report: { valid: true } })
  expect(await applied()).toEqual(tags)
})

test('several at once are one after the other, and each ends well', async () => {
  const { url, applied } = await anEmptyDatabase()
  const results = await Promise.all(Array.from({ length: 4 }, () => migrate(url)))
  expect(results.map((result) => result.applied.length).sort((a, b) => a - b)).toEqual([0, 0, 0, tags.length])
  expect(await applied()).toEqual(tags)
})

test('several databases at once, whose roles are the server’s, each end well', async () => {
  const databases = await Promise.all(Array.from({ length: 3 }, anEmptyDatabase))
  for (const { applied } of await Promise.all(databases.map(({ url }) => migrate(url))))
    expect(applied).toEqual(tags)
})

test.for([
  [
    'fails',
    aMigration('create table warehouse.fine (id int primary key)', 'select 1 / 0'),
    /division by zero/,
  ],
  [
    'is no SQL',
    aMigration('create table warehouse.fine (id int primary key)', 'creat table'),
    /syntax error/,
  ],
  [
    'makes a table without a primary key',
    aMigration('create table warehouse.loose (id int)'),
    /did not pass/,
  ],
] as const)('a migration that %s leaves the database as it was', async ([, broken, reason]) => {
  const { url, objects, applied } = await anEmptyDatabase()
  await migrate(url)
  const before = await objects()
  const refusal = migrate(url, and(broken))
  await expect(refusal).rejects.toThrow(MigrationRefused)
  await expect(refusal).rejects.toThrow(reason)
  expect(await objects()).toEqual(before)
  expect(await applied()).toEqual(tags)
})

test('a first migration that fails leaves an empty database empty', async () => {
  const { url, objects } = await anEmptyDatabase()
  await expect(migrate(url, and(aMigration('select 1 / 0')))).rejects.toThrow(MigrationRefused)
  expect(await objects()).toEqual([])
})

test('migrations that are not the beginning of ours are refused', async () => {
  const { url, client } = await anEmptyDatabase()
  await migrate(url)
  await client.query(`update audit.schema_migrations set hash = 'another' where tag = '${tags[0]}'`)
  await expect(migrate(url)).rejects.toThrow(`migration ${tags[0]} was changed after it was applied`)
})

test('a server that may lose commits is refused, in words', async () => {
  const { url, client, objects } = await anEmptyDatabase()
  const { rows } = await client.query<{ name: string }>('select quote_ident(current_database()) as name')
  await client.query(`alter database ${rows[0]!.name} set synchronous_commit = off`)
  await client.query(`alter database ${rows[0]!.name} set default_transaction_isolation = 'serializable'`)
  const refusal = migrate(url)
  await expect(refusal).rejects.toThrow(
    /synchronous_commit is off, it must be on .*offset would be committed/,
  )
  await expect(refusal).rejects.toThrow(/default_transaction_isolation is serializable/)
  expect(await objects()).toEqual([])
})

const run = (env: Record<string, string>) => startChild('scripts/migrate.ts', env)

test('the command ends with 0 when it is done, 1 when it is refused, 2 when it is not configured', async () => {
  const { url, client } = await anEmptyDatabase()
  const first = run({
    DATABASE_URL: 'postgres://nobody:hunter2@127.0.0.1:1/none',
    MIGRATION_DATABASE_URL: url,
  })
  expect(await first.exited).toBe(0)
  expect(first.output()).toContain(`Applied ${tags.join(', ')}.`)

  await client.query('create table warehouse.loose (id int)')
  const second = run({ DATABASE_URL: url })
  expect(await second.exited).toBe(1)
  expect(second.output()).toMatch(/loose.*primary key/i)

  const third = run({ DATABASE_URL: 'mysql://u:hunter2@h/db' })
  expect(await third.exited).toBe(2)
  expect(third.output()).toContain('DATABASE_URL is not a Postgres URL')
  expect(third.output()).not.toContain('hunter2')
})
