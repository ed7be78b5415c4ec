import { Client } from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { aLiveMessage, aWorld, type World } from '../support/world.ts'

/** A session that acts as this role, in a warehouse with a fact, a dead letter and all their books. */
async function as(role: 'pulse_loader' | 'pulse_reader'): Promise<(sql: string) => Promise<string>> {
  const world = await aWorld({ partitions: 1 })
  await world.produce([aLiveMessage(), 'garbage'])
  await world.runOnce()
  return actingAs(world, role)
}

/** Runs a statement and says what came of it: `ok`, or why it was refused. */
async function actingAs(world: World, role: string): Promise<(sql: string) => Promise<string>> {
  const client = new Client({ connectionString: world.env['DATABASE_URL'] })
  await client.connect()
  onTestFinished(() => client.end())
  await client.query(`set role ${role}`)
  return async (sql) => {
    try {
      await client.query(sql)
      return 'ok'
    } catch (error) {
      return (error as Error).message
    }
  }
}

const refused = /permission denied|must be owner/

test('the loader may add to the books, and never change or remove what is in them', async () => {
  const tried = await as('pulse_loader')
  for (const table of ['transactions', 'order_keys', 'pipeline_batches', 'dead_letters', 'data_losses']) {
    expect(await tried(`select * from ${table}`)).toBe('ok')
    expect(await tried(`delete from ${table}`)).toMatch(refused)
    expect(await tried(`truncate ${table}`)).toMatch(refused)
  }
  for (const statement of [
    'update transactions set amount = 1',
    'update order_keys set transaction_timestamp = now()',
    'update pipeline_batches set loaded = 0',
    `update dead_letters set value = ''`,
    `update dead_letters set code = 'undecodable'`,
    'update data_losses set from_offset = 0',
    'delete from sales_by_minute',
    'delete from partition_progress',
    'delete from pipeline_runs',
    'delete from schema_migrations',
    `insert into schema_migrations (tag, hash) values ('x', 'x')`,
  ]) {
    expect([statement, await tried(statement)]).toEqual([statement, expect.stringMatching(refused)])
  }
  expect(await tried('update dead_letters set attempts = 1, published_at = now()')).toBe('ok')
})

test('the loader has no rights of its own over tables, but gets a month by the one function', async () => {
  const tried = await as('pulse_loader')
  for (const statement of [
    'create table warehouse.mine ()',
    'create table public.mine ()',
    'create temp table mine ()',
    'create schema mine',
    'drop table transactions',
    'alter table transactions add column mine int',
    'create index on transactions (currency)',
    'set role pulse_owner_of_nothing',
  ]) {
    expect([statement, await tried(statement)]).not.toEqual([statement, 'ok'])
  }
  expect(await tried(`select warehouse.ensure_month(now() - interval '70 days')`)).toBe('ok')
  expect(await tried(`select warehouse.ensure_month(now() + interval '1 year')`)).toMatch(
    /no partition is made/,
  )
  expect(await tried(`select warehouse.ensure_month('infinity')`)).toMatch(/no partition is made/)
})

test('the reader sees facts, books and the list of dead letters, but no payload', async () => {
  const tried = await as('pulse_reader')
  for (const table of [
    'transactions',
    'sales_by_minute',
    'pipeline_runs',
    'pipeline_batches',
    'partition_progress',
    'data_losses',
    'dead_letter_list',
  ]) {
    expect([table, await tried(`select * from ${table}`)]).toEqual([table, 'ok'])
  }
  for (const statement of [
    'select * from dead_letters',
    'select value from dead_letters',
    'select * from order_keys',
    'insert into sales_by_minute default values',
    'update partition_progress set next_offset = 0',
    'delete from transactions',
    'select warehouse.ensure_month(now())',
    'create table public.mine ()',
    'create temp table mine ()',
  ]) {
    expect([statement, await tried(statement)]).toEqual([statement, expect.stringMatching(refused)])
  }
})

test('the list of dead letters has neither key, value nor headers', async () => {
  const world = await aWorld({ partitions: 1 })
  const { rows } = await world.pool.query<{ name: string }>(
    `select column_name as name from information_schema.columns where table_name = 'dead_letter_list'`,
  )
  const names = rows.map(({ name }) => name)
  expect(names).toEqual(expect.arrayContaining(['topic', 'code', 'issues', 'value_bytes']))
  expect(names.filter((name) => ['key', 'value', 'headers'].includes(name))).toEqual([])
})

test('a login of its own that is only a member of the loader runs the job', async () => {
  const world = await aWorld({ partitions: 1 })
  const login = `login_${world.topic.replaceAll('-', '_')}`
  await world.pool.query(`create role ${login} login password 'secret' in role pulse_loader`)
  onTestFinished(async () => {
    const admin = new Client({ connectionString: world.env['DATABASE_URL'] })
    await admin.connect()
    await admin.query(`drop role ${login}`)
    await admin.end()
  })
  const url = new URL(world.env['DATABASE_URL']!)
  url.username = login
  url.password = 'secret'
  await world.produce([aLiveMessage(), 'garbage'])

  const etl = world.startEtl({ DATABASE_URL: url.href })
  await etl.waitForLine('ready')
  await world.drained()

  expect(await etl.stop()).toBe(0)
  expect(etl.said('superuser')).toBeUndefined()
  await world.assertBalanced()
})
