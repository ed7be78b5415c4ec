import { randomUUID } from 'node:crypto'
import type { QueryResult } from 'pg'
import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { readConfig } from '../../etl/process/config.ts'
import { startHousekeeping } from '../../etl/housekeeping/housekeeping.ts'
import { acceptedAgeDays } from '../../etl/housekeeping/retention.ts'
import { reconcile } from '../../etl/reconcile/reconcile.ts'
import { aHousekeeper, daysAgo, housekeepingRuns, monthTable, monthTables } from '../support/housekeeper.ts'
import { waitFor } from '../support/wait-for.ts'
import { aParcel, aWorldOfParcels } from '../support/parcels.ts'
import type { World } from '../support/world.ts'

const RETENTION = { RETENTION_DAYS: '100' }
const OLD = daysAgo(200)
const monthOf = (moment: string) => monthTable(moment, 'parcels')

async function assertProved(world: World): Promise<void> {
  await world.assertBalanced()
  const { pool, close } = aHousekeeper(world)
  const report = await reconcile({
    pool,
    stream: world.stream,
    kafka: world.kafka,
    topic: world.topic,
    deep: true,
  })
  await close()
  expect(report.checks.flatMap(({ findings }) => findings)).toEqual([])
}

/** Two old months, and now: three parcels each, the first of each sent twice. */
async function aWarehouseWithOldMonths(): Promise<World> {
  const world = await aWorldOfParcels({ partitions: 1 })
  for (const timestamp of [daysAgo(400), OLD, daysAgo(0)]) {
    const sent = Array.from({ length: 3 }, () => aParcel({ weighed: timestamp }))
    await world.produce([...sent, sent[0]!, 'garbage'])
  }
  await world.runOnce()
  return world
}

const droppedByBatch = async ({ pool }: World) =>
  (
    await pool.query<{ loaded: number; dropped: number }>(
      'select loaded, dropped from audit.pipeline_batches',
    )
  ).rows

test('this month and the next two are made ahead, as one run in the ledger, and then nothing is due', async () => {
  const world = await aWorldOfParcels({ withoutTopics: true })
  const { keep } = aHousekeeper(world)

  expect(await keep()).toEqual({ months_made: 3, sessions_expired: 0 })
  const now = new Date()
  const months = [0, 1, 2].map((ahead) => new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + ahead)))
  expect(await monthTables(world, 'parcels')).toEqual(months.map((month) => monthOf(month.toISOString())))
  expect(await housekeepingRuns(world)).toEqual([{ status: 'succeeded', error: null, worker: 'housekeeper' }])
  expect(await keep()).toBeUndefined()

  await world.pool.query(`drop table warehouse.${monthOf(months[2]!.toISOString())}`)
  expect(await keep()).toMatchObject({ months_made: 1 })
})

test('a worker begins with it', async () => {
  const world = await aWorldOfParcels({ withoutTopics: true })
  const { pool } = aHousekeeper(world)
  const config = readConfig(['kafka', 'housekeeping'], world.env)
  const logger = pino({ level: 'silent' })
  const options = {
    pool,
    kafka: world.kafka,
    stream: world.stream,
    config,
    worker: 'w',
    logger,
    isPaused: () => false,
  }
  const keeping = startHousekeeping(options)
  await waitFor('a run that succeeded', async () =>
    (await housekeepingRuns(world)).some(({ status }) => status === 'succeeded'),
  )
  await keeping.stop()
  expect(await monthTables(world, 'parcels')).toHaveLength(3)
})

test('without RETENTION_DAYS nothing is dropped', async () => {
  const world = await aWarehouseWithOldMonths()
  await aHousekeeper(world).keep()
  expect(await world.facts()).toHaveLength(9)
})

test('months that are wholly older go, facts and rollup, and the books know it', async () => {
  const world = await aWarehouseWithOldMonths()
  await assertProved(world)
  const { keep, keepAgain } = aHousekeeper(world, RETENTION)

  expect(await keep()).toMatchObject({ facts_dropped: 6, parcel_keys_dropped: 6 })

  expect(await monthTables(world, 'parcels')).not.toContain(monthOf(OLD))
  expect(await world.facts()).toHaveLength(3)
  expect(await droppedByBatch(world)).toEqual([{ loaded: 9, dropped: 6 }])
  await assertProved(world)

  expect(await keepAgain()).toMatchObject({ months_made: 0, facts_dropped: 0, parcel_keys_dropped: 0 })
  await assertProved(world)
})

test('a parcel whose fact was dropped is known by its key, as long as the log may bring it again', async () => {
  // A topic that keeps its records for long keeps the keys.
  const topicSettings = { 'retention.ms': String(400 * 86_400_000) }
  const world = await aWorldOfParcels({ partitions: 1, topicSettings })
  const parcel = aParcel({ weighed: OLD })
  await world.produce([parcel, aParcel()])
  await world.runOnce()
  expect(await aHousekeeper(world, RETENTION).keep()).toMatchObject({
    facts_dropped: 1,
    parcel_keys_dropped: 0,
  })
  await assertProved(world)

  await world.produce([parcel, { ...parcel, weighed: daysAgo(60) }])
  expect(await world.runOnce()).toMatchObject({ loaded: 0, duplicate: 1, deadLettered: 1 })
  expect(await world.deadLetters()).toMatchObject([{ code: 'conflicting_duplicate' }])
  await assertProved(world)
})

test('after its key went too, a parcel is refused for its age', async () => {
  const world = await aWorldOfParcels({ partitions: 1 })
  const parcel = aParcel({ weighed: OLD })
  await world.produce([parcel])
  await world.runOnce()
  expect(await aHousekeeper(world, RETENTION).keep()).toMatchObject({ parcel_keys_dropped: 1 })

  await world.produce([parcel])
  const maxAgeDays = acceptedAgeDays(readConfig(['etl', 'housekeeping'], { ...world.env, ...RETENTION }))
  expect(await world.runOnce({ maxAgeDays })).toMatchObject({ loaded: 0, deadLettered: 1 })
  expect(await world.deadLetters()).toMatchObject([{ code: 'timestamp_out_of_range' }])
  await assertProved(world)
})

test('keys stay where the topic takes the producers’ time, or keeps its records for ever', async () => {
  for (const settings of [{ 'message.timestamp.type': 'CreateTime' }, { 'retention.ms': '-1' }]) {
    const world = await aWorldOfParcels({ partitions: 1, topicSettings: settings })
    await world.produce([aParcel({ weighed: OLD })])
    await world.runOnce()
    expect(await aHousekeeper(world, RETENTION).keep()).toMatchObject({
      facts_dropped: 1,
      parcel_keys_dropped: 0,
    })
  }
})

test('a key is never taken from its fact, however old', async () => {
  const world = await aWarehouseWithOldMonths()
  const { pool } = aHousekeeper(world)
  const { rows } = await pool.query("select * from audit.drop_keys('parcels', 100, 0)")
  expect(rows).toEqual([{ deleted: 0, next_page: null }])
})

test('keys go stretch by stretch of the table, all of them', async () => {
  const world = await aWorldOfParcels({ withoutTopics: true })
  await world.pool.query(
    `insert into warehouse.parcel_keys select gen_random_uuid(), now() - interval '400 days' from generate_series(1, 30000)`,
  )
  const { pool } = aHousekeeper(world)
  let pages = 0
  for (let page: number | null = 0; page !== null; pages++) {
    const stretch: QueryResult<{ next_page: number | null }> = await pool.query(
      "select next_page from audit.drop_keys('parcels', 50, $1)",
      [page],
    )
    page = stretch.rows[0]!.next_page
  }
  expect(pages).toBeGreaterThan(2)
  expect((await pool.query('select from warehouse.parcel_keys')).rowCount).toBe(0)
})

test('a late parcel for a month that was just dropped fails its run, is loaded later, and dropped again', async () => {
  const world = await aWorldOfParcels({ partitions: 1 })
  await world.produce([aParcel({ weighed: OLD })])
  await world.runOnce() // this worker believes in the month now
  const { keep, keepAgain } = aHousekeeper(world, RETENTION)
  await keep()

  await world.produce([aParcel({ weighed: OLD }), aParcel()])
  const failed = await world.runOnce()
  expect(failed).toMatchObject({ status: 'failed', loaded: 0 })
  expect(failed.error).toContain('no partition of relation')
  await assertProved(world)

  expect(await world.runOnce()).toMatchObject({ status: 'succeeded', loaded: 2 })
  await assertProved(world)
  expect(await keepAgain()).toMatchObject({ facts_dropped: 1 })
  await assertProved(world)
})

/** A transaction of somebody else, rolled back at the latest when the test ends. */
async function aTransaction(world: World, ...statements: string[]) {
  const client = await world.pool.connect()
  let ended = false
  const end = async (how: 'commit' | 'rollback') => {
    if (ended) return
    ended = true
    await client.query(how)
    client.release()
  }
  onTestFinished(() => end('rollback'))
  await client.query('begin')
  for (const statement of statements) await client.query(statement)
  return end
}

const drop = `select audit.drop_partition('parcels', date_trunc('month', '${OLD}'::timestamptz, 'UTC')::date) as facts`

test('a reader keeps a month from being dropped, not the loads beside it', async () => {
  const world = await aWarehouseWithOldMonths()
  const endReading = await aTransaction(world, 'select count(*) from warehouse.parcels')
  const { keep, keepAgain } = aHousekeeper(world, RETENTION)

  const keeping = keep()
  for (let i = 0; i < 5; i++) {
    await world.produce([aParcel()])
    expect(await world.runOnce()).toMatchObject({ status: 'succeeded', loaded: 1 })
  }
  expect(await keeping).toEqual({
    months_made: expect.any(Number),
    parcel_keys_dropped: 0,
    sessions_expired: 0,
  })
  expect(await housekeepingRuns(world)).toMatchObject([
    { status: 'failed', error: 'facts_dropped: canceling statement due to lock timeout' },
  ])
  await assertProved(world)

  await endReading('commit')
  expect(await keepAgain()).toMatchObject({ facts_dropped: 6 })
  await assertProved(world)
})

test('a load that has written into the month keeps it: what it commits is counted', async () => {
  const world = await aWarehouseWithOldMonths()
  const { pool } = aHousekeeper(world)
  const table = `warehouse.${monthOf(OLD)}`
  const end = await aTransaction(
    world,
    `create temp table fact on commit drop as select * from ${table} limit 1`,
    `update fact set parcel_id = '${randomUUID()}', source_offset = 1000`,
    `insert into warehouse.parcel_keys select parcel_id, weighed_at from fact`,
    `insert into warehouse.parcels overriding user value select * from fact`,
    `update audit.pipeline_batches set loaded = loaded + 1, consumed = consumed + 1`,
    `update warehouse.parcels_by_minute set parcels = parcels + 1 where minute = date_trunc('minute', '${OLD}'::timestamptz)`,
  )
  const dropping = pool.query<{ facts: number }>(drop)
  await waitFor('the drop to wait for the load', async () => {
    const { rowCount } = await world.pool.query(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%drop_partition%'`,
    )
    return rowCount === 1
  })
  await end('commit')
  expect((await dropping).rows).toEqual([{ facts: 4 }])
  expect(await droppedByBatch(world)).toEqual([{ loaded: 10, dropped: 4 }])
})

test('a load waits for a month that is being dropped, and goes on when that gives up', async () => {
  const world = await aWarehouseWithOldMonths()
  const table = `warehouse.${monthOf(OLD)}`
  // As drop_month stands before it asks for the parent: the month locked, its facts counted.
  const end = await aTransaction(world, `lock table ${table} in share mode`)
  await world.produce([aParcel({ weighed: OLD })])
  const run = world.runOnce()
  await waitFor('the load to wait for the month', async () => {
    const { rowCount } = await world.pool.query(
      `select from pg_locks where relation = '${table}'::regclass and not granted`,
    )
    return rowCount === 1
  })
  await end('rollback')
  expect(await run).toMatchObject({ status: 'succeeded', loaded: 1 })
  await assertProved(world)
})

test('two that drop the same month at once drop it once', async () => {
  const world = await aWarehouseWithOldMonths()
  const one = aHousekeeper(world, RETENTION, 'one')
  const two = aHousekeeper(world, RETENTION, 'two')
  const answers = await Promise.all(
    [one, two, one, two].map(({ pool }) => pool.query<{ facts: number }>(drop)),
  )
  expect(answers.map(({ rows }) => rows[0]!.facts).toSorted((a, b) => a - b)).toEqual([0, 0, 0, 3])
  expect(await droppedByBatch(world)).toEqual([{ loaded: 9, dropped: 3 }])
  await assertProved(world)
})

test('of two housekeepers that come at once one does the work', async () => {
  const world = await aWarehouseWithOldMonths()
  const keepers = ['one', 'two', 'three'].map((name) => aHousekeeper(world, RETENTION, name))
  const results = await Promise.all(keepers.map(({ keep }) => keep()))
  expect(results.filter((result) => result !== undefined)).toMatchObject([{ facts_dropped: 6 }])
  expect(await housekeepingRuns(world)).toMatchObject([{ status: 'succeeded' }])
})

test('what a dead worker left open is closed, and its work done', async () => {
  const world = await aWorldOfParcels({ withoutTopics: true })
  const open = (worker: string, since: string) =>
    world.pool.query(
      `insert into audit.pipeline_runs (stream, kind, worker, started_at) values ('${world.stream.name}', 'housekeeping', '${worker}', now() - interval '${since}')`,
    )
  const { keep } = aHousekeeper(world, {}, 'me')
  await open('another', '1 minute')
  expect(await keep()).toBeUndefined()
  await open('me', '1 minute')
  await world.pool.query(
    `update audit.pipeline_runs set started_at = now() - interval '61 minutes' where worker = 'another'`,
  )
  expect(await keep()).toMatchObject({ months_made: 3 })
  expect(await housekeepingRuns(world)).toMatchObject([
    { status: 'abandoned', worker: 'another' },
    { status: 'abandoned', worker: 'me' },
    { status: 'succeeded', worker: 'me' },
  ])
})

test('books that are wrong are not tidied away: the month stays, and the rest is done', async () => {
  const world = await aWarehouseWithOldMonths()
  await world.pool.query(
    `update audit.pipeline_batches set batch_id = 'elsewhere'; update warehouse.parcels_by_minute set parcels = 1`,
  )
  const result = await aHousekeeper(world, { ...RETENTION, LEDGER_RETENTION_DAYS: '1' }).keep()
  expect(result).toMatchObject({ batches_folded: 0, sessions_expired: 0 })
  expect(result).not.toHaveProperty('facts_dropped')
  const [run] = await housekeepingRuns(world)
  expect(run).toMatchObject({ status: 'failed' })
  expect(run!.error).toMatch(
    /^facts_dropped: the month of \S+ is not dropped: it has 3 facts, but batches and opening balances have 0 of them, parcels_by_minute has 1; see pulse reconcile$/,
  )
  expect(await world.facts()).toHaveLength(9)
})

test('while it is paused nothing begins, and what is under way ends', async () => {
  const world = await aWarehouseWithOldMonths()
  const { keep } = aHousekeeper(world, RETENTION)
  expect(await keep({ isPaused: () => true })).toBeUndefined()
  expect(await housekeepingRuns(world)).toEqual([])

  let looks = 0
  await keep({ isPaused: () => ++looks > 3 })
  expect(await housekeepingRuns(world)).toMatchObject([{ status: 'abandoned', error: 'interrupted: paused' }])
  expect(await keep()).toMatchObject({ facts_dropped: 6 })
})

test('a worker that is stopped does not wait for a month that is being counted', async () => {
  const world = await aWarehouseWithOldMonths()
  const table = `warehouse.${monthOf(daysAgo(400))}`
  const end = await aTransaction(world, `lock table ${table} in row exclusive mode`)
  const stopping = new AbortController()
  const keeping = aHousekeeper(world, RETENTION).keep({}, stopping.signal)
  const dropWaits = async () => {
    const { rowCount } = await world.pool.query(
      `select from pg_locks where relation = '${table}'::regclass and not granted`,
    )
    return rowCount === 1
  }
  await waitFor('the drop to wait', dropWaits)
  stopping.abort()
  await keeping
  expect(await dropWaits()).toBe(true)
  expect(await housekeepingRuns(world)).toMatchObject([
    { status: 'abandoned', error: 'interrupted: the worker was stopped' },
  ])
  await end('rollback')
  await assertProved(world)
})
