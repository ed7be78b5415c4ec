import { randomBytes } from 'node:crypto'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { ensureLogins } from '../../scripts/logins.ts'
import { OF_ENGINE, ofStreams } from '../../scripts/rights/declared.ts'
import { streams } from '../../streams/index.ts'
import { reportRights } from '../../scripts/rights/judge.ts'
import { FORBIDDEN, SELF, type Who } from '../support/forbidden-acts.ts'
import { roles } from '../support/messages.ts'
import { stream } from '../support/stream.ts'
import { aLiveMessage, aWorld, type World } from '../support/world.ts'

const DECLARED = { ...OF_ENGINE, ...ofStreams(streams) }

/** Of the server, as logins are: made for this file. */
const suffix = randomBytes(4).toString('hex')
const logins = { loader: `loader_${suffix}`, reader: `reader_${suffix}`, stranger: `stranger_${suffix}` }
const PASSWORD = 'not-a-secret'

/** With a fact, a dead letter and all their books. */
let world: World
const sessions = new Map<Who, Client>()

beforeAll(async () => {
  world = await aWorld({ partitions: 1 })
  await world.produce([aLiveMessage(), 'garbage'])
  await world.runOnce()
  const url = world.env['DATABASE_URL']!
  await ensureLogins(url, [
    { name: logins.loader, password: PASSWORD, memberOf: 'pulse_loader' },
    { name: logins.reader, password: PASSWORD, memberOf: 'pulse_reader' },
  ])
  await world.pool.query(`create role ${logins.stranger} login password '${PASSWORD}'`)
  sessions.set('loader', await connected(urlOf('loader')))
  sessions.set('reader', await connected(urlOf('reader')))
  // Neither may connect: somebody who could becomes them.
  sessions.set('stranger', await connected(url, `set session authorization ${logins.stranger}`))
  sessions.set('owner', await connected(url, 'set session authorization pulse_owner'))
})
afterAll(async () => {
  await Promise.all([...sessions.values()].map((client) => client.end()))
  await world?.pool.query(`drop role ${Object.values(logins).join(', ')}`)
  await world?.cleanUp()
})

function urlOf(who: keyof typeof logins): string {
  const url = new URL(world.env['DATABASE_URL']!)
  url.username = logins[who]
  url.password = PASSWORD
  return url.href
}

async function connected(url: string, first = 'select'): Promise<Client> {
  const client = new Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  await client.query(first)
  return client
}

const DENIED = '42501'

/** What comes of a statement: `ok`, or the SQLSTATE. Whatever it did is undone, where it can be in a transaction. */
async function outcome(who: Who, statement: string): Promise<string> {
  const client = sessions.get(who)!
  const alone = /^(alter system|create database|drop database|create subscription|vacuum)/.test(statement)
  if (!alone) await client.query(`begin; set local statement_timeout = '10s'`)
  try {
    await client.query(statement.replaceAll(SELF, who === 'owner' ? 'pulse_owner' : logins[who]))
    return 'ok'
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  } finally {
    if (!alone) await client.query('rollback; reset all')
  }
}

async function columnsOf(relation: string): Promise<string[]> {
  const { rows } = await world.pool.query<{ name: string }>(
    `select attname as name from pg_attribute
     where attrelid = $1::regclass and attnum > 0 and not attisdropped`,
    [relation],
  )
  return rows.map(({ name }) => name)
}

/** A statement for each right that there is on a relation or function, by the right it needs. */
async function attempts(object: string): Promise<[right: string, statement: string][]> {
  if (object.endsWith(')')) {
    const [, name, types = ''] = /^(.*)\((.*)\)$/.exec(object)!
    const nulls = types.split(', ').map((type) => `null::${type}`)
    return [['EXECUTE', `select ${name}(${nulls.join(', ')})`]]
  }
  const columns = await columnsOf(object)
  const { isTable, takesRows } = await whatItIs(object)
  return [
    ['SELECT', `select * from ${object}`],
    ...columns.map((column): [string, string] => [`SELECT (${column})`, `select "${column}" from ${object}`]),
    ...(takesRows
      ? [
          ['INSERT', `insert into ${object} default values`] as [string, string],
          ['DELETE', `delete from ${object} where false`] as [string, string],
        ]
      : []),
    ...(isTable ? columns : []).map((column): [string, string] => [
      `UPDATE (${column})`,
      `update ${object} set "${column}" = default where false`,
    ]),
    ...(isTable ? TABLES_ONLY.map(([right, start]): [string, string] => [right, `${start} ${object}`]) : []),
  ]
}

/** Postgres says of a view that can't be written to that it can't, before it looks at rights. */
async function whatItIs(object: string): Promise<{ isTable: boolean; takesRows: boolean }> {
  const { rows } = await world.pool.query<{ isTable: boolean; takesRows: boolean }>(
    `select relkind in ('r', 'p') as "isTable", pg_relation_is_updatable(oid, false) & 8 = 8 as "takesRows"
     from pg_class where oid = $1::regclass`,
    [object],
  )
  return rows[0]!
}

const TABLES_ONLY = [
  ['TRUNCATE', 'truncate'],
  ['MAINTAIN', 'reindex table'],
] as const

test('every relation and function of ours has its rights declared, and nothing is declared that is not there', async () => {
  const { rows } = await world.pool.query<{ object: string }>(
    `select format('%I.%I', nspname, relname) as object
     from pg_class join pg_namespace n on n.oid = relnamespace
     where nspname in ('warehouse', 'audit') and relkind in ('r', 'p', 'v', 'm', 'f') and not relispartition
     union all
     select format('%I.%I(%s)', nspname, proname, oidvectortypes(proargtypes))
     from pg_proc join pg_namespace n on n.oid = pronamespace where nspname in ('warehouse', 'audit')`,
  )
  expect(
    Object.keys(DECLARED)
      .filter((name) => /^(warehouse|audit)\./.test(name))
      .toSorted(),
  ).toEqual(rows.map(({ object }) => object).toSorted())
})

const OURS = Object.keys(DECLARED).filter((name) => /^(warehouse|audit)\./.test(name))

describe.each(['loader', 'reader', 'stranger'] as const)('the %s may', (who) => {
  test.each(OURS)('on %s what is declared, and nothing else', async (object) => {
    const declared: readonly string[] = who === 'stranger' ? [] : (DECLARED[object]?.[`pulse_${who}`] ?? [])
    const tried = await attempts(object)
    const came = new Map<string, string>()
    for (const [right, statement] of tried) came.set(right, await outcome(who, statement))
    const refused = [...came].filter(([, code]) => code === DENIED).map(([right]) => right)
    const allowed = tried.map(([right]) => right).filter((right) => !refused.includes(right))
    // A right on the table is one on each column; one on each column is none on `select *` where one lacks.
    const expected = tried
      .map(([right]) => right)
      .filter((right) => declared.includes(right) || declared.includes(right.split(' (')[0]!))
    expect(allowed).toEqual(expected)
  })
})

const forbidden = FORBIDDEN.flatMap(([what, to, statements]) =>
  to.map((who) => [who, what, statements] as const),
)

test.each(forbidden)('the %s may not %s', async (who, _, statements) => {
  const came: [string, string][] = []
  for (const statement of statements) came.push([statement, await outcome(who, statement)])
  expect(came).toEqual(statements.map((statement) => [statement, DENIED]))
})

/** What a role needs, and what Postgres takes from nobody: docs/SECURITY.md. */
const ALLOWED: [who: Who, statement: string][] = [
  ['loader', `select pg_advisory_xact_lock(hashtext('pulse: alerts'))`],
  ['loader', `select pg_try_advisory_xact_lock(1, 1)`],
  ['loader', `select audit.ensure_partition('${stream.name}', now() - interval '70 days')`],
  ['loader', 'select from pg_control_system()'],
  ['owner', `select pg_advisory_xact_lock(hashtext('pulse: ensure_partition'))`],
  ['owner', 'create table warehouse.mine ()'],
  ['reader', `select ${roles.columns[roles.eventTime]}, ${roles.columns[roles.other]} from ${stream.name}`],
  ['reader', 'notify mine'],
  ['reader', 'set statement_timeout = 0'],
  ['reader', 'set default_transaction_read_only = off'],
  ['reader', `alter role ${SELF} set statement_timeout = 0`],
  ['reader', `alter role ${SELF} password 'another'`],
]

test('each may what it needs, and what Postgres takes from nobody', async () => {
  const came: [Who, string, string][] = []
  for (const [who, statement] of ALLOWED) came.push([who, statement, await outcome(who, statement)])
  expect(came).toEqual(ALLOWED.map(([who, statement]) => [who, statement, 'ok']))
})

test('names are looked for in temporary tables last', async () => {
  for (const who of ['loader', 'reader'] as const)
    expect((await sessions.get(who)!.query('show search_path')).rows).toEqual([
      { search_path: 'warehouse, audit, public, pg_temp' },
    ])
})

test('months are made by the owner’s function, near today only', async () => {
  for (const moment of [
    `now() + interval '1 year'`,
    `now() - interval '102 years'`,
    `timestamptz 'infinity'`,
  ])
    expect(await outcome('loader', `select audit.ensure_partition('${stream.name}', ${moment})`)).toBe(
      '22008',
    )
})

test('who is not a member of ours can’t connect, and pulse_owner has no login', async () => {
  await expect(connected(urlOf('stranger'))).rejects.toThrow(/permission denied for database/)
  const { rows } = await world.pool.query(
    `select rolcanlogin from pg_roles where rolname in ('pulse_owner', 'pulse_loader', 'pulse_reader')`,
  )
  expect(rows).toEqual(Array.from({ length: 3 }, () => ({ rolcanlogin: false })))
})

test('the reader sees of others’ sessions neither what they ask nor may it end them', async () => {
  const loader = sessions.get('loader')!
  await loader.query(`select 'of the loader'`)
  const { rows } = await loader.query<{ pid: number }>('select pg_backend_pid() as pid')
  const reader = sessions.get('reader')!
  const seen = await reader.query('select query from pg_stat_activity where pid = $1', [rows[0]!.pid])
  expect(seen.rows).toEqual([{ query: '<insufficient privilege>' }])
  for (const way of ['cancel', 'terminate'])
    expect(await outcome('reader', `select pg_${way}_backend(${rows[0]!.pid})`)).toBe(DENIED)
})

test('statistics tell the reader nothing of columns that it may not read', async () => {
  await world.pool.query(`analyze audit.dead_letters; analyze warehouse.${stream.name}`)
  const { rows } = await sessions
    .get('reader')!
    .query(`select distinct tablename from pg_stats where schemaname in ('warehouse', 'audit')`)
  expect(rows).not.toContainEqual({ tablename: 'dead_letters' })
})

test('after all this the rights are what they were', async () => {
  const client = await connected(world.env['DATABASE_URL']!)
  onTestFinished(() => client.end())
  expect((await reportRights(client, streams)).findings).toEqual([])
})

test('a login of its own that is only a member of the loader runs the job', async () => {
  const other = await aWorld({ partitions: 1 })
  await other.produce([aLiveMessage(), 'garbage'])
  const url = new URL(other.env['DATABASE_URL']!)
  url.username = logins.loader
  url.password = PASSWORD

  const etl = other.startEtl({ DATABASE_URL: url.href })
  await etl.waitForLine('ready')
  await other.drained()

  expect(await etl.stop()).toBe(0)
  expect(etl.said('superuser')).toBeUndefined()
  await other.assertBalanced()
})
