import { pathToFileURL } from 'node:url'
import { Client } from 'pg'
import { describe, expect, inject, onTestFinished, test } from 'vitest'
import { readMigrations } from '../../etl/postgres/migrations.ts'
import { reconcile } from '../../etl/reconcile/reconcile.ts'
import { compile } from '../../etl/stream/compile.ts'
import { defineStream } from '../../etl/stream/define.ts'
import { count, instant, oneOf, text } from '../../etl/stream/words.ts'
import { visits } from '../support/streams/visits.ts'
import { migrate } from '../../scripts/migration/migrate.ts'
import { reportRights } from '../../scripts/rights/judge.ts'
import { redrive } from '../support/background.ts'
import { createDatabase } from '../support/database.ts'
import { aHousekeeper, daysAgo } from '../support/housekeeper.ts'
import { ask, settled, aReplayer } from '../support/replayer.ts'
import { waitFor } from '../support/wait-for.ts'
import { aParcel, aWorldOfParcels } from '../support/parcels.ts'
import { aWorld, migrationsOf, type World } from '../support/world.ts'

/** What the engine does with streams of the tests' own, whichever is installed. */

const aVisitsWorld = (options: Parameters<typeof aWorld>[0] = {}) => aWorld({ stream: visits, ...options })

const aVisit = (changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> => ({
  session: 'session-1',
  page: '/',
  at: new Date().toISOString(),
  kind: 'view',
  tags: [],
  ...changes,
})

interface StoredVisit {
  readonly page: string
  readonly seconds: number | null
  readonly note: string | null
  readonly basket: string | null
  readonly is_new: boolean
  readonly tags: string[]
}

async function visitsOf(world: World): Promise<StoredVisit[]> {
  const { rows } = await world.pool.query<StoredVisit>(
    `select page, seconds, note, basket, is_new, tags from warehouse.visits order by source_partition, source_offset`,
  )
  return rows
}

async function proof(world: World) {
  const options = {
    pool: world.pool,
    stream: world.stream,
    kafka: world.kafka,
    topic: world.topic,
    deep: true,
  }
  const { checks, ...report } = await reconcile(options)
  return { ...report, findings: checks.filter(({ findings }) => findings.length > 0) }
}

describe('what a record says', () => {
  test('is stored as the words say, with null for what is missing', async () => {
    const world = await aVisitsWorld({ partitions: 1 })
    await world.produce([
      aVisit({ page: 'a', seconds: 7, note: 'x', basket: 12.5, is_new: true, tags: ['a', '"b" \\'] }),
      aVisit({ page: 'b', seconds: null }),
    ])
    expect(await world.runOnce()).toMatchObject({ status: 'succeeded', loaded: 2 })
    expect(await visitsOf(world)).toEqual([
      { page: 'a', seconds: 7, note: 'x', basket: '12.50', is_new: true, tags: ['a', '"b" \\'] },
      { page: 'b', seconds: null, note: null, basket: null, is_new: false, tags: [] },
    ])
    expect(await proof(world)).toMatchObject({ balanced: true, totals: { loaded: 2 }, findings: [] })
  })

  test('is a dead letter where it breaks the contract, with what is wrong and what is accepted', async () => {
    const world = await aVisitsWorld({ partitions: 1 })
    await world.produce([
      aVisit({ kind: 'vew' }),
      aVisit({ seconds: -1, session: undefined }),
      aVisit({ at: '2020-01-01T00:00:00Z' }),
      '{',
      ...Array.from({ length: 30 }, (_, i) => aVisit({ page: `page ${i}` })),
    ])
    expect(await world.runOnce()).toMatchObject({ loaded: 30, deadLettered: 4 })
    expect(await world.deadLetters()).toMatchObject([
      {
        code: 'schema_violation',
        issues: [{ field: 'kind', message: 'kind is "vew"; it must be one of view, search, purchase' }],
      },
      { code: 'schema_violation', issues: [{ field: 'session' }, { field: 'seconds' }] },
      { code: 'timestamp_out_of_range', issues: [{ field: 'at' }] },
      { code: 'malformed_json' },
    ])
    expect(await proof(world)).toMatchObject({ balanced: true, findings: [] })
  })
})

describe('what comes again', () => {
  const at = new Date().toISOString()

  test('with the same values is a duplicate, with others a conflict, at another time another visit', async () => {
    const world = await aVisitsWorld({ partitions: 1 })
    const visit = aVisit({ at, seconds: 5 })
    await world.produce([visit, visit, { ...visit, seconds: undefined }])
    await world.runOnce()
    await world.produce([
      visit,
      { ...visit, note: 'new' },
      { ...visit, is_new: false },
      { ...visit, at: new Date(Date.parse(at) + 1).toISOString() },
      { ...visit, page: '/other' },
    ])
    await world.runOnce({ deadLetterMaxRatio: 1 })
    expect(await visitsOf(world)).toHaveLength(3)
    expect(await world.deadLetters()).toMatchObject([
      { offset: 2, code: 'conflicting_duplicate', issues: [{ field: 'seconds' }] },
      {
        offset: 4,
        code: 'conflicting_duplicate',
        issues: [{ field: 'note', message: /visit session-1, \// }],
      },
    ])
    const { totals, balanced, everyRecord } = await proof(world)
    expect({ totals, balanced, everyRecord }).toMatchObject({
      balanced: true,
      totals: { consumed: 8, loaded: 3, duplicate: 3, deadLettered: 2 },
      everyRecord: { duplicates: 3 },
    })
  })
})

describe('what operators do', () => {
  test('redrive: a dead letter that is sent again corrected is loaded', async () => {
    const world = await aVisitsWorld({ partitions: 1 })
    await world.produce([aVisit({ kind: 'vew' })])
    await world.runOnce()
    const value = Buffer.from(JSON.stringify(aVisit({ page: 'mended' })))
    const [letter] = await world.deadLetters()
    expect((await redrive(world, { ids: [letter!.id] }, { value })).run).toMatchObject({ loaded: 1 })
    expect(await visitsOf(world)).toMatchObject([{ page: 'mended' }])
    expect(await world.deadLetters()).toMatchObject([
      { resolution: expect.stringContaining('loaded') as string },
    ])
    expect(await proof(world)).toMatchObject({ balanced: true, findings: [] })
  })

  test('replay: there is nothing to derive, and it says that nothing changed', async () => {
    const world = await aVisitsWorld({ partitions: 1 })
    await world.produce([aVisit(), aVisit({ page: 'b', note: 'n' })])
    await world.runOnce()
    await aReplayer(world, { stream: world.stream })
    const { result } = await settled(world, await ask(world), 'succeeded')
    expect(result).toMatchObject({ records: 2, facts: 2, changed: 0, otherValues: 0 })
  })

  test('housekeeping: months are made ahead and dropped for their age, and the books know it', async () => {
    const world = await aVisitsWorld({ partitions: 1, env: { TRANSACTION_MAX_AGE_DAYS: '1000' } })
    await world.produce([aVisit({ at: daysAgo(300) }), aVisit()])
    await world.runOnce({ maxAgeDays: 1_000 })
    const { keep } = aHousekeeper(world, { RETENTION_DAYS: '100' })
    const result = await keep()
    expect(result).toMatchObject({ facts_dropped: 1 })
    expect(Object.keys(result!).filter((step) => step.endsWith('_dropped'))).toEqual(['facts_dropped'])
    expect(await visitsOf(world)).toHaveLength(1)
    expect(await proof(world)).toMatchObject({ balanced: true, totals: { loaded: 2 }, findings: [] })
  })
})

const counted = (blames: boolean) =>
  defineStream('page_views', {
    title: 'view',
    topic: { key: 'page' },
    fields: { page: text(20), at: instant(), kind: oneOf(['a', 'b']).default('a') },
    eventTime: 'at',
    partitionBy: 'month',
    identity: { once: 'page', scope: 'event_time' },
    rollups: { views_by_day: { every: 'day', by: ['kind'], measures: { views: count() } } },
    write: {
      tables: { page_counts: ['SELECT', 'INSERT', 'UPDATE'] },
      blames,
      check: `select coalesce(c.page, v.page) as subject, format('%s counted, %s are there', c.views, v.views) as message
              from warehouse.page_counts c
              full join (select page, count(*) as views from warehouse.page_views group by page) v using (page)
              where c.views is distinct from v.views`,
      apply: async (client, rows) => {
        for (const page of [...new Set(rows.map((row) => row.page))].sort())
          await client.query(
            `insert into warehouse.page_counts as c values ($1, $2)
             on conflict (page) do update set views = c.views + excluded.views`,
            [page, rows.filter((row) => row.page === page).length],
          )
      },
    },
  })
const TABLE =
  'create table warehouse.page_counts (page text primary key, views bigint not null check (views < 3))'
const views = (page: string, n: number) =>
  Array.from({ length: n }, (_, i) => ({ page, at: new Date(Date.now() - i * 1_000).toISOString() }))

const aWorldThatCounts = (blames = false) =>
  aWorld({ stream: counted(blames), migration: TABLE, partitions: 1 })
const proofOf = async (world: World) => {
  const options = {
    pool: world.pool,
    stream: compile(counted(false)),
    kafka: world.kafka,
    topic: world.topic,
  }
  const { checks, balanced } = await reconcile({ ...options, deep: true })
  const of = (check: string) => checks.find(({ name }) => name === check)!.findings
  return { balanced, write: of('write'), rollup: of('rollup') }
}

describe('further tables', () => {
  test('are written with what is loaded, once each, and reconcile holds them against the facts', async () => {
    const world = await aWorldThatCounts()
    const [view] = views('a', 1)
    await world.produce([view!, view!, ...views('b', 2), '{'])
    await world.runOnce()
    await world.produce([view!])
    expect(await world.runOnce()).toMatchObject({ status: 'succeeded', duplicate: 1 })
    const { rows } = await world.pool.query('select page, views from warehouse.page_counts order by 1')
    expect(rows).toEqual([
      { page: 'a', views: 1 },
      { page: 'b', views: 2 },
    ])
    expect(await proofOf(world)).toMatchObject({ balanced: true, write: [] })
    await world.pool.query(
      `update warehouse.page_counts set views = 2 where page = 'a'; update warehouse.views_by_day set views = 9`,
    )
    expect(await proofOf(world)).toMatchObject({
      balanced: false,
      rollup: [{ examples: [{ message: 'views is 3 by the facts, 9 in the rollup' }] }],
      write: [{ examples: [{ subject: 'a', message: '2 counted, 1 are there' }] }],
    })
  })

  test('that refuse a row fail the run, and blame nobody', async () => {
    const world = await aWorldThatCounts()
    await world.produce(views('a', 3))
    const run = await world.runOnce()
    expect(run).toMatchObject({ status: 'failed', loaded: 0, deadLettered: 0 })
    expect(run.error).toContain('page_counts_views_check')
  })

  test('that are said to be the record’s fault make a dead letter of it', async () => {
    const world = await aWorldThatCounts(true)
    await world.produce([...views('a', 3), ...views('b', 1)])
    expect(await world.runOnce()).toMatchObject({ status: 'succeeded', loaded: 3, deadLettered: 1 })
    expect(await world.deadLetters()).toMatchObject([{ offset: 2, code: 'rejected_by_warehouse' }])
    expect(await proofOf(world)).toMatchObject({ balanced: true, write: [] })
  })
})

test('a worker that is killed again and again loads every visit once', async () => {
  const world = await aVisitsWorld()
  const start = () => world.startEtl({ BATCH_SIZE: '50' })
  const pages = Array.from({ length: 900 }, (_, i) =>
    aVisit({ page: `page ${i}`, session: `session ${i % 7}` }),
  )
  for (let partition = 0; partition < 3; partition++)
    await world.produce([...pages.slice(partition * 300, (partition + 1) * 300), '{'], { partition })
  const loaded = async () => (await visitsOf(world)).length
  for (const reached of [1, 300, 600]) {
    const worker = start()
    await waitFor('some visits to be loaded', async () => (await loaded()) >= reached, { limitMs: 60_000 })
    worker.kill('SIGKILL')
    await worker.exited
  }
  start()
  await world.drained({ limitMs: 60_000 })
  expect(await loaded()).toBe(900)
  await waitFor('its dead letters to be published', async () => (await world.dlqMessages()).length >= 3)
  expect(await proof(world)).toMatchObject({
    balanced: true,
    totals: { consumed: 903, loaded: 900, deadLettered: 3 },
    findings: [],
  })
})

describe('the warehouse', () => {
  test('has the stream’s tables and rights and no other’s, where it never had any', async () => {
    const world = await aVisitsWorld({ withoutTopics: true })
    const { rows } = await world.pool.query<{ name: string }>(
      `select relname as name from pg_class where relnamespace = 'warehouse'::regnamespace and relkind in ('r', 'p') order by 1`,
    )
    expect(rows.map(({ name }) => name)).toEqual(['visits'])
    const client = new Client({ connectionString: world.env['DATABASE_URL'] })
    await client.connect()
    onTestFinished(() => client.end())
    expect((await reportRights(client, [visits])).findings).toEqual([])
    await client.query('set role pulse_loader')
    await expect(client.query('delete from warehouse.visits')).rejects.toThrow('permission denied')
    // What may be missing may be filled later; nothing else of a fact is changed.
    await expect(client.query(`update warehouse.visits set page = '/'`)).rejects.toThrow('permission denied')
    await expect(client.query('update warehouse.visits set note = null')).resolves.toBeDefined()
  })

  test('keeps what it has of another stream: that is retired, may be read, and nothing is added', async () => {
    const world = await aWorldOfParcels({ partitions: 1 })
    await world.produce([aParcel()])
    await world.runOnce()
    // As for who puts another stream in the place of the one that was: its migrations come after those that ran.
    const before = readMigrations(pathToFileURL(`${world.env['STREAMS_DIR']}/migrations/`))
    const folder = await migrationsOf(visits)
    const [first] = readMigrations(folder).streams
    const migrations = {
      engine: before.engine,
      streams: [...before.streams, { ...first!, tag: '9999_visits' }],
    }
    const { rights } = await migrate(world.env['DATABASE_URL']!, { streams: [visits], migrations, folder })
    expect(rights.findings).toEqual([])
    expect(await world.facts()).toHaveLength(1)
    const { rows } = await world.pool.query(
      'select name, retired_at is not null as retired from audit.streams order by 1',
    )
    expect(rows).toEqual([
      { name: 'parcels', retired: true },
      { name: 'visits', retired: false },
    ])
    const client = new Client({ connectionString: world.env['DATABASE_URL'] })
    await client.connect()
    onTestFinished(() => client.end())
    await client.query('set role pulse_loader')
    expect((await client.query('select from warehouse.parcels')).rowCount).toBe(1)
    await expect(client.query('insert into warehouse.parcel_keys values (null, null)')).rejects.toThrow(
      'permission denied',
    )
  })

  test('refuses a first migration whose tables are there with other columns', async () => {
    const database = await createDatabase(inject('databaseUrl'))
    const client = new Client({ connectionString: database.url })
    await client.connect()
    onTestFinished(async () => {
      await client.end()
      await database.drop()
    })
    const folder = await migrationsOf(visits)
    const migrations = readMigrations(folder)
    await migrate(database.url, { streams: [], migrations: { ...migrations, streams: [] }, folder })
    await client.query('set role pulse_owner; create table warehouse.visits (page int primary key)')
    await expect(migrate(database.url, { streams: [visits], migrations, folder })).rejects.toThrow(
      /not those of the first migration:\n.*warehouse\.visits\.page is integer not null, not varchar\(200\)/s,
    )
  })
})
