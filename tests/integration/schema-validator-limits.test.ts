import { expect, test } from 'vitest'
import {
  asOtherRole,
  createSchema,
  messages,
  problems,
  useOwnDatabase,
  validated,
} from '../support/schema-validation.ts'

/** What cannot be looked at, or not in full: the report says so. */

const own = useOwnDatabase()

test('a large table is estimated and sampled, and the report says so', async () => {
  const { client } = own
  const schema = await createSchema(client, [
    'CREATE TABLE parent (id int PRIMARY KEY)',
    'CREATE TABLE big (id int PRIMARY KEY, p int NOT NULL REFERENCES parent) WITH (autovacuum_enabled = false)',
    'INSERT INTO parent SELECT generate_series(1, 50)',
    'INSERT INTO big SELECT i, 1 + i % 50 FROM generate_series(1, 1000) i',
  ])
  const fresh = await messages(client, schema, { exactCountLimit: 700 })
  expect(fresh).toContainEqual(
    expect.stringMatching(/^Rows estimated in 1 large table: big \(about [\d,]+, never analysed\)$/),
  )
  await client.query('ANALYZE big')
  const said = await messages(client, schema, { exactCountLimit: 700 })
  expect(said).toEqual(
    expect.arrayContaining([
      'Rows counted in 1 table',
      'Rows estimated in 1 large table: big (about 1,000)',
      'No orphans in a sample of the rows under 1 foreign key of large tables: big big_p_fkey (700)',
    ]),
  )
  await client.query('ALTER TABLE big DROP CONSTRAINT big_p_fkey; TRUNCATE parent')
  await client.query('ALTER TABLE big ADD FOREIGN KEY (p) REFERENCES parent NOT VALID')
  expect(await messages(client, schema, { exactCountLimit: 700 })).toContain(
    '700 of 700 sampled rows without a parent in parent; list them with',
  )
})

test('a table without privileges is reported, and the others are validated', async ({ skip }) => {
  const { client } = own
  if (!own.superuser) skip('needs a superuser')
  const schema = await createSchema(client, [
    'CREATE TABLE mine (id int PRIMARY KEY)',
    'CREATE TABLE secret (id int PRIMARY KEY)',
  ])
  const grants = (role: string) => [
    `GRANT USAGE ON SCHEMA ${schema} TO ${role}`,
    `GRANT SELECT ON mine TO ${role}`,
  ]
  await asOtherRole(client, grants, async (role) => {
    const report = await validated(client, schema)
    expect(problems(report)).toEqual([
      "error queryable secret: can't be queried: permission denied for table secret (SQLSTATE 42501)",
    ])
    expect(await messages(client, schema)).toContain(
      `INSERT prepared, not run, for 2 tables; ${role} itself may not insert into 2 of them`,
    )
  })
})

test('what is not validated is named', async ({ skip }) => {
  const { client } = own
  if (!own.superuser) skip('needs a superuser')
  const schema = await createSchema(client, [
    'CREATE TABLE mine (id int PRIMARY KEY)',
    'CREATE TABLE theirs (id int); ALTER EXTENSION plpgsql ADD TABLE theirs',
    'CREATE FOREIGN DATA WRAPPER elsewhere; CREATE SERVER elsewhere FOREIGN DATA WRAPPER elsewhere',
    'CREATE FOREIGN TABLE far (id int) SERVER elsewhere',
  ])
  const inner = await createSchema(client, [
    `CREATE TABLE root (id int PRIMARY KEY) PARTITION BY LIST (id)`,
    `CREATE TABLE ${schema}.part PARTITION OF root FOR VALUES IN (1)`,
  ])
  expect(problems(await validated(client, schema))).toEqual([])
  expect(await messages(client, schema)).toEqual(
    expect.arrayContaining([
      '1 table in 1 schema: ' + schema,
      '1 foreign table left to the servers where they live: far',
      '1 relation left to the extensions that own them: theirs',
      '1 partition left to their parents in other schemas: part',
    ]),
  )
  expect((await validated(client, inner)).tables).toMatchObject([{ notes: ['1 partition'] }])
})

test('rows that row security hides are not taken for orphans', async ({ skip }) => {
  const { client } = own
  if (!own.superuser) skip('needs a superuser')
  const schema = await createSchema(client, [
    'CREATE TABLE parent (id int PRIMARY KEY); ALTER TABLE parent ENABLE ROW LEVEL SECURITY',
    'CREATE TABLE child (id int PRIMARY KEY REFERENCES parent)',
    'INSERT INTO parent VALUES (1); INSERT INTO child VALUES (1)',
  ])
  const grants = (role: string) => [
    `GRANT USAGE ON SCHEMA ${schema} TO ${role}`,
    `GRANT SELECT ON ALL TABLES IN SCHEMA ${schema} TO ${role}`,
  ]
  await asOtherRole(client, grants, async () => {
    expect(problems(await validated(client, schema))).toEqual([
      'warning row-counts parent: row security hides rows from this role: they are not counted',
      'warning orphans child child_id_fkey: not checked: row security hides rows from this role',
    ])
  })
})

test('a table that another session has locked is reported, and the others are validated', async () => {
  const { client } = own
  const schema = await createSchema(client, [
    'CREATE TABLE locked (id int PRIMARY KEY)',
    'CREATE TABLE free (id int PRIMARY KEY)',
  ])
  const other = await own.connect()
  await other.query(`BEGIN; LOCK TABLE ${schema}.locked`)
  const report = await validated(client, schema, { lockTimeoutMs: 50 })
  await other.end()
  expect(problems(report)).toEqual([
    "error queryable locked: can't be queried: canceling statement due to lock timeout (SQLSTATE 55P03)",
    expect.stringMatching(/^error inserts locked: an INSERT can't be prepared: .*55P03/),
  ])
})

test('a table that takes too long to count is estimated', async ({ skip }) => {
  const { client } = own
  if (!own.superuser) skip('needs a superuser')
  const schema = await createSchema(client, [
    'CREATE TABLE slow (id int PRIMARY KEY); INSERT INTO slow SELECT generate_series(1, 100)',
    'ALTER TABLE slow ENABLE ROW LEVEL SECURITY',
    'CREATE POLICY sleepy ON slow USING (pg_sleep(0.02) IS NOT NULL)',
  ])
  const grants = (role: string) => [
    `GRANT USAGE ON SCHEMA ${schema} TO ${role}`,
    `GRANT SELECT ON slow TO ${role}`,
  ]
  await asOtherRole(client, grants, async () => {
    const said = await messages(client, schema, { statementTimeoutMs: 500 })
    expect(said).toContainEqual(expect.stringMatching(/^Rows estimated in 1 large table: slow/))
    expect(said).toContain('1 table can be queried')
  })
})
