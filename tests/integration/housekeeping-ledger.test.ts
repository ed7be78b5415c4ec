import { expect, test } from 'vitest'
import { createMonthKeeper } from '../../etl/stream/months.ts'
import { reconcile, renderReconciliation } from '../../etl/reconcile/reconcile.ts'
import { aHousekeeper, daysAgo, housekeepingRuns } from '../support/housekeeper.ts'
import { aParcel, aWorldOfParcels } from '../support/parcels.ts'
import type { World } from '../support/world.ts'

const LEDGER = { LEDGER_RETENTION_DAYS: '30' }
const AGED = `update audit.pipeline_batches set loaded_at = loaded_at - interval '40 days';
  update audit.pipeline_runs set started_at = started_at - interval '40 days', finished_at = finished_at - interval '40 days';
  update audit.dead_letters set created_at = created_at - interval '40 days'`
const RESOLVED = `update audit.dead_letters set resolved_at = now() - interval '40 days', resolution = 'dismissed'`

async function assertProved(world: World, { deep = true } = {}): Promise<void> {
  await world.assertBalanced()
  const { pool, close } = aHousekeeper(world)
  const report = await reconcile({ pool, stream: world.stream, kafka: world.kafka, topic: world.topic, deep })
  await close()
  expect(report.checks.flatMap(({ findings }) => findings)).toEqual([])
}

const openings = async ({ pool }: World) =>
  (
    await pool.query(
      `select partition, incarnation, from_offset, to_offset, batches, consumed, loaded, duplicate, dead_lettered, dropped,
              dead_letters_pruned
       from audit.opening_balances order by partition, incarnation`,
    )
  ).rows

/** From now on the log is another one: what is loaded is of an incarnation that is over. */
const beginIncarnation = ({ pool }: World) =>
  pool.query(`update audit.partition_progress set incarnation = incarnation + 1, first_offset = next_offset`)

/**
 * Batches of two records each in an incarnation that is over: a parcel, its duplicate, four dead letters, a
 * loss of two offsets, and two parcels more. All of it 40 days old.
 */
async function anOldLedger(): Promise<World> {
  const world = await aWorldOfParcels({ partitions: 1, env: { BATCH_SIZE: '2' } })
  const parcel = aParcel()
  await world.produce([parcel, parcel, '{', '[', '"', '1', aParcel(), aParcel(), aParcel(), aParcel()])
  await world.runOnce({ deadLetterMaxRatio: 1 })
  await world.pool.query(`
    delete from audit.pipeline_batches where from_offset = 6;
    delete from warehouse.parcel_keys k using warehouse.parcels t where t.parcel_id = k.parcel_id and source_offset in (6, 7);
    delete from warehouse.parcels where source_offset in (6, 7);
    delete from warehouse.parcels_by_minute;
    insert into warehouse.parcels_by_minute
    select date_trunc('minute', weighed_at), source_partition, currency, depot, count(*), 0, sum(fee), sum(surcharge), 0
    from warehouse.parcels group by 1, 2, 3, 4;
    update audit.pipeline_runs set batches = batches - 1, consumed = consumed - 2, loaded = loaded - 2;
    insert into audit.data_losses (topic, partition, incarnation, from_offset, to_offset, acknowledged_at, reason)
    select topic, 0, 1, 6, 8, now(), 'a test' from audit.partition_progress`)
  await beginIncarnation(world)
  await world.pool.query(AGED)
  return world
}

test('old batches are folded into an opening balance, and what is left is still proved', async () => {
  const world = await anOldLedger()
  await assertProved(world)
  await world.pool.query(`${RESOLVED} where "offset" in (2, 4)`)
  const { keep, keepAgain, pool } = aHousekeeper(world, LEDGER)

  expect(await keep()).toMatchObject({ batches_folded: 4, dead_letters_pruned: 2, runs_pruned: 1 })

  const folded = { from_offset: 0, to_offset: 10, batches: 4, consumed: 8, loaded: 3, duplicate: 1 }
  expect(await openings(world)).toEqual([
    { partition: 0, incarnation: 1, ...folded, dead_lettered: 4, dropped: 0, dead_letters_pruned: 2 },
  ])
  expect(await world.ledger()).toEqual([])
  expect((await world.deadLetters()).map(({ offset }) => offset)).toEqual([3, 5])
  await assertProved(world)
  const report = await reconcile({ pool, stream: world.stream, kafka: world.kafka, topic: world.topic })
  expect(renderReconciliation(report)).toContain(
    'offsets 0 to 9 are an opening balance, proved as a sum: 4 batches, 8 consumed = 3 loaded + 1 duplicate + 4 dead-lettered',
  )
  expect(renderReconciliation(report)).toContain('of the dead-lettered 2 resolved dead letters pruned')

  expect(await keepAgain()).toMatchObject({ batches_folded: 0, dead_letters_pruned: 0, runs_pruned: 0 })

  await world.pool.query(`${RESOLVED} where "offset" = 3`)
  expect(await keepAgain()).toMatchObject({ dead_letters_pruned: 1 })
  expect(await openings(world)).toMatchObject([{ dead_letters_pruned: 3 }])
  await assertProved(world)
})

test('without LEDGER_RETENTION_DAYS nothing is pruned', async () => {
  const world = await anOldLedger()
  await world.pool.query(RESOLVED)
  await aHousekeeper(world).keep()
  expect(await world.ledger()).toHaveLength(4)
  expect(await world.deadLetters()).toHaveLength(4)
})

test('only what is old without a gap is folded: a young batch keeps those behind it', async () => {
  const world = await anOldLedger()
  await world.pool.query('update audit.pipeline_batches set loaded_at = now() where from_offset = 4')
  expect(await aHousekeeper(world, LEDGER).keep()).toMatchObject({ batches_folded: 2 })
  expect(await openings(world)).toMatchObject([{ from_offset: 0, to_offset: 4, batches: 2 }])
  await assertProved(world)

  await world.pool.query(AGED)
  expect(await aHousekeeper(world, LEDGER).keepAgain()).toMatchObject({ batches_folded: 2 })
  expect(await openings(world)).toMatchObject([{ from_offset: 0, to_offset: 10, batches: 4 }])
  await assertProved(world)
})

test('a dead letter that was resolved lately, waits to be published, or is referred to, stays', async () => {
  const world = await anOldLedger()
  await world.pool.query(`
    ${RESOLVED};
    update audit.dead_letters set resolved_at = now() - interval '29 days' where "offset" = 2;
    update audit.dead_letters set published_at = null where "offset" = 3;
    update audit.dead_letters set resolved_at = null, redrive_of = topic || ':0:4' where "offset" = 5`)
  const { keep, keepAgain } = aHousekeeper(world, LEDGER)
  expect(await keep()).toMatchObject({ batches_folded: 4, dead_letters_pruned: 0 })

  await world.pool.query(`${RESOLVED} where "offset" = 5; update audit.dead_letters set published_at = now()`)
  // The one that refers to another goes first, then that one.
  expect(await keepAgain()).toMatchObject({ dead_letters_pruned: 3 })
  expect(await world.deadLetters()).toMatchObject([{ offset: 2 }])
  await assertProved(world)
})

test('the newest thousand batches of a partition stay, however old, and every record is still found', async () => {
  const world = await aWorldOfParcels({ partitions: 1 })
  const old = aParcel({ weighed: daysAgo(400) })
  await world.produce([old, old, '{', '[', aParcel({ weighed: daysAgo(400) })])
  await world.produce(Array.from({ length: 1_005 }, () => aParcel()))
  await world.runOnce({ batchSize: 1, deadLetterMaxRatio: 1, budgetMs: 120_000 })
  await world.pool.query(`${AGED}; ${RESOLVED} where "offset" = 2`)
  const { keep, keepAgain, pool } = aHousekeeper(world, { ...LEDGER, RETENTION_DAYS: '100' })
  const proof = () =>
    reconcile({ pool, stream: world.stream, kafka: world.kafka, topic: world.topic, deep: true })
  expect(await proof()).toMatchObject({ balanced: true, everyRecord: { records: 1_010, droppedOrPruned: 0 } })

  expect(await keep()).toMatchObject({ facts_dropped: 2, batches_folded: 10, dead_letters_pruned: 1 })
  expect(await openings(world)).toMatchObject([
    { from_offset: 0, to_offset: 10, consumed: 10, loaded: 7, dropped: 2, dead_letters_pruned: 1 },
  ])
  expect(await world.ledger()).toHaveLength(1_000)
  await assertProved(world)
  // Two dropped facts, the duplicate of one of them, and a pruned dead letter.
  expect(await proof()).toMatchObject({
    balanced: true,
    totals: { consumed: 1_010, loaded: 1_007, duplicate: 1, deadLettered: 2 },
    everyRecord: { records: 1_010, facts: 1_005, deadLetters: 1, duplicates: 0, droppedOrPruned: 4 },
    partitions: [{ dropped: 2, pruned: 1, openingBalance: { fromOffset: 0, toOffset: 10, batches: 10 } }],
  })

  await world.produce([aParcel(), '{'])
  await world.runOnce()
  expect(await keepAgain()).toMatchObject({ batches_folded: 1 })
  await assertProved(world)
})

test('facts whose batches were folded are dropped too, and the opening balance knows it', async () => {
  const world = await aWorldOfParcels({ partitions: 1 })
  await world.produce([aParcel({ weighed: daysAgo(400) }), aParcel()])
  await world.runOnce()
  await beginIncarnation(world)
  await world.pool.query(AGED)
  expect(await aHousekeeper(world, LEDGER).keep()).toMatchObject({ batches_folded: 1 })
  await assertProved(world)
  expect(await aHousekeeper(world, { RETENTION_DAYS: '100' }).keepAgain()).toMatchObject({ facts_dropped: 1 })
  expect(await openings(world)).toMatchObject([{ loaded: 2, dropped: 1 }])
  await assertProved(world)
})

test('a ledger with a gap is not folded: the run says where', async () => {
  const world = await anOldLedger()
  await world.pool.query('delete from audit.data_losses')
  expect(await aHousekeeper(world, LEDGER).keep()).not.toHaveProperty('batches_folded')
  expect(await housekeepingRuns(world)).toMatchObject([
    {
      status: 'failed',
      error: expect.stringMatching(
        /^batches_folded: the ledger of \S+\/0 is not folded: before offset 10 it has a gap or an overlap; see pulse reconcile$/,
      ) as string,
    },
  ])
  expect(await world.ledger()).toHaveLength(4)
})

test('runs go when nothing refers to them, alerts when they are over, sessions when nobody uses them', async () => {
  const world = await aWorldOfParcels({ withoutTopics: true })
  await world.pool.query(`
    insert into audit.pipeline_runs (stream, kind, worker, status, started_at)
    select '${world.stream.name}', 'tick', name, status, now() - age from (values
      ('old', 'succeeded', interval '31 days'), ('an action''s', 'failed', interval '31 days'),
      ('still running', 'running', interval '31 days'), ('young', 'succeeded', interval '29 days')) r (name, status, age);
    insert into audit.operator_actions (stream, action, target, requested_by, via, status, run_id)
    select '${world.stream.name}', 'replay', '{}', 'somebody', 'pulse', 'succeeded', id from audit.pipeline_runs where worker = 'an action''s';
    insert into audit.alerts (stream, rule, severity, summary, first_action, started_at, ended_at) values
      ('${world.stream.name}', 'old', 'warning', '', '', now() - interval '90 days', now() - interval '31 days'),
      ('${world.stream.name}', 'ended lately', 'warning', '', '', now() - interval '90 days', now() - interval '29 days'),
      ('${world.stream.name}', 'goes on', 'warning', '', '', now() - interval '90 days', null);
    insert into audit.alert_notifications (alert_id, event, channel) select id, 'started', 'email' from audit.alerts;
    insert into audit.console_sessions (token_hash, name, role, csrf_token, seen_at) values
      ('a', 'somebody', 'viewer', '', now() - interval '31 days'), ('b', 'somebody', 'viewer', '', now() - interval '29 days')`)
  const { keep } = aHousekeeper(world, LEDGER)
  expect(await keep()).toMatchObject({ runs_pruned: 1, alerts_pruned: 1, sessions_expired: 1 })
  const left = async (sql: string) =>
    (await world.pool.query<{ name: string }>(sql)).rows.map(({ name }) => name)
  expect(
    await left(`select worker as name from audit.pipeline_runs where kind = 'tick' order by id`),
  ).toEqual(["an action's", 'still running', 'young'])
  expect(await left('select rule as name from audit.alerts order by id')).toEqual(['ended lately', 'goes on'])
  expect(await left('select channel as name from audit.alert_notifications')).toHaveLength(2)
  expect(await left(`select encode(token_hash, 'escape') as name from audit.console_sessions`)).toEqual(['b'])
})

test('two that fold the same ledger at once fold each batch once', async () => {
  const world = await anOldLedger()
  const { pool } = aHousekeeper(world)
  const fold = () => pool.query<{ n: number }>('select audit.fold_batches($1, 0, 1, 30) as n', [world.topic])
  const answers = await Promise.all([fold(), fold(), fold()])
  expect(answers.map(({ rows }) => rows[0]!.n).toSorted((a, b) => a - b)).toEqual([0, 0, 4])
  expect(await openings(world)).toMatchObject([{ batches: 4, consumed: 8 }])
  await assertProved(world)
})

test('loads go on while months are dropped and the ledger is pruned', async () => {
  const world = await aWorldOfParcels({ partitions: 2, env: { BATCH_SIZE: '20' } })
  const workers = [await world.openWorker({ owns: [0] }), await world.openWorker({ owns: [1] })]
  const produced: Record<string, unknown>[] = []
  const over = new AbortController()
  /** Parcels of now and of months that are being dropped, some of them sent before, on either partition. */
  const produceAndLoad = async (partition: 0 | 1) => {
    for (let i = 0; i < 25; i++) {
      const sent = Array.from({ length: 40 }, (_, n) =>
        n % 10 === 0 && produced.length > 0
          ? produced[(i * 37 + n) % produced.length]!
          : aParcel({ weighed: daysAgo([0, 150, 200, 400][n % 4]!) }),
      )
      produced.push(...sent)
      await world.produce([...sent, 'garbage'], { partition })
      // Believes nothing of earlier months: a month may be gone since the last run.
      await workers[partition]!.runOnce({
        months: createMonthKeeper(workers[partition]!.pipeline.pool, world.stream),
      })
    }
  }
  const { keepAgain } = aHousekeeper(world, { RETENTION_DAYS: '100', LEDGER_RETENTION_DAYS: '1' })
  const results: unknown[] = []
  const keeping = (async () => {
    while (!over.signal.aborted) {
      // What is loaded up to now belongs to an incarnation that is over and is old: it may be pruned at once.
      await world.pool.query(`
        update audit.pipeline_batches set loaded_at = now() - interval '2 days';
        ${RESOLVED} where resolved_at is null`)
      await beginIncarnation(world)
      results.push(await keepAgain())
    }
  })()
  await Promise.all([produceAndLoad(0), produceAndLoad(1)])
  over.abort()
  await keeping
  for (const worker of workers)
    await worker.runOnce({ months: createMonthKeeper(worker.pipeline.pool, world.stream) })

  await world.drained()
  await assertProved(world, { deep: false })
  expect(results.length).toBeGreaterThan(3)
  const opened = await openings(world)
  expect(opened.some(({ dropped }) => dropped > 0)).toBe(true)
  expect(opened.some(({ dead_letters_pruned }) => dead_letters_pruned > 0)).toBe(true)
  const { rows } = await world.pool.query(
    `select sum(consumed)::int as consumed, sum(loaded)::int as loaded from (
       select consumed, loaded from audit.pipeline_batches union all select consumed, loaded from audit.opening_balances) books`,
  )
  expect(rows[0]).toMatchObject({ consumed: 2 * 25 * 41 })
})
