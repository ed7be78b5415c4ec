import type { Client } from 'pg'
import { expect, test } from 'vitest'
import { createSchema, problems, useOwnDatabase, validated } from '../support/schema-validation.ts'

/** As the migration gate uses it: on its own connection, inside its own transaction, before COMMIT. */

const own = useOwnDatabase()

test('inside a transaction it sees what that has not committed yet', async () => {
  const { client } = own
  const schema = await createSchema(client, ['CREATE TABLE t (id int PRIMARY KEY, u int)'])
  await client.query('BEGIN')
  await client.query('CREATE TABLE new (id int); ALTER TABLE t ADD FOREIGN KEY (u) REFERENCES t')
  const inside = await validated(client, schema, { inTransaction: true })
  await client.query('ROLLBACK')
  expect(problems(inside)).toEqual(['error primary-key new: no primary key'])
  expect(inside.tables.find(({ table }) => table === `${schema}.t`)?.foreignKeys).toHaveLength(1)
  expect(problems(await validated(client, schema))).toEqual([])
})

test('checks that fail leave the transaction open, with its settings and locks as they were', async () => {
  const { client } = own
  const schema = await createSchema(client, [
    'CREATE TABLE t (id int PRIMARY KEY)',
    'CREATE TABLE untouched (id int PRIMARY KEY)',
  ])
  await client.query(`BEGIN; SET LOCAL statement_timeout = '77s'; SET LOCAL lock_timeout = '66s'`)
  await client.query('INSERT INTO t VALUES (1)')
  await client.query('CREATE RULE r AS ON INSERT TO t DO INSTEAD INSERT INTO t VALUES (1)')

  const report = await validated(client, schema)

  expect(problems(report)).toEqual([expect.stringMatching(/^error inserts t: .*infinite recursion/)])
  const { rows } = await client.query(
    `SELECT current_setting('statement_timeout') AS timeout, current_setting('lock_timeout') AS lock,
            current_setting('transaction_read_only') AS read_only, current_setting('search_path') AS path,
            (SELECT count(*)::int FROM pg_prepared_statements) AS prepared,
            (SELECT count(*)::int FROM pg_locks WHERE relation = 'untouched'::regclass AND pid = pg_backend_pid()) AS locks`,
  )
  expect(rows).toEqual([
    { timeout: '77s', lock: '66s', read_only: 'off', path: `${schema}, public`, prepared: 0, locks: 0 },
  ])
  await client.query('INSERT INTO untouched VALUES (1); COMMIT')
  expect((await client.query('SELECT FROM t')).rowCount).toBe(1)
})

test('outside a transaction it leaves none, and prepares its inserts in a read-only one', async () => {
  const { client } = own
  const schema = await createSchema(client, ['CREATE TABLE t (id int PRIMARY KEY)'])
  const sent: string[] = []
  const spied = Object.create(client, {
    query: {
      value: (...args: Parameters<Client['query']>) => {
        sent.push(args[0])
        return client.query(...args)
      },
    },
  }) as Client
  expect(problems(await validated(spied, schema))).toEqual([])
  expect(sent.find((sql) => sql !== '')).toMatch(/^BEGIN .*READ ONLY$/)
  expect(sent.filter((sql) => sql.startsWith('PREPARE'))).toEqual([
    expect.stringMatching(/^PREPARE .*; DEALLOCATE/s),
  ])
  expect(sent.at(-1)).toBe('ROLLBACK')
  expect(client.getTransactionStatus()).toBe('I')
})

test('it refuses to take a transaction for what it is not', async () => {
  const { client } = own
  await expect(validated(client, 'public', { inTransaction: true })).rejects.toThrow('not in a transaction')
  await client.query('BEGIN')
  await expect(validated(client, 'public', { inTransaction: false })).rejects.toThrow('is in a transaction')
  const [, validation] = await Promise.allSettled([
    client.query('SELECT nonsense'),
    validated(client, 'public'),
  ])
  expect(validation).toMatchObject({ reason: { message: expect.stringContaining('has failed') } })
  await client.query('ROLLBACK')
})
