import { Client, type Pool } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { withAdmin } from '../../etl/kafka/topics.ts'
import { reconcile, renderReconciliation, type ReconcileReport } from '../../etl/reconcile/reconcile.ts'
import { runPulse } from '../support/pulse.ts'
import {
  aCopyOf,
  check as checkCopy,
  failedChecks,
  findingsOf,
  type Tampering,
} from '../support/reconciled.ts'
import { aParcel, aWorldOfParcels } from '../support/parcels.ts'
import type { World } from '../support/world.ts'

/**
 * `pulse reconcile` on a warehouse that was loaded once and is copied for each test, so that each may
 * tamper with it. The topic stays the same for all.
 *
 * Partition 0: offsets 0–39 parcels, 40–44 repeat the first of them, 45 a parcel with another fee,
 * 46–51 what breaks the contract. Partition 1: 0–29 parcels, 30 a repeat of partition 0's first, 31–33 of a
 * transaction that was aborted and its marker, 34–38 more parcels. Batches of 20.
 */
let world: World

beforeAll(async () => {
  world = await aWorldOfParcels({ partitions: 2, env: { BATCH_SIZE: '20' } })
  const first = Array.from({ length: 40 }, (_, i) => aParcel({ fee: 900 + 5 * i }))
  const broken = ['{', { ...first[1]!, fee: -1 }, null, '[]', '"', { ...first[2]!, currency: 'XXX ' }]
  await world.produce([...first, ...first.slice(0, 5), { ...first[9]!, fee: 1.25 }, ...broken])
  const second = Array.from({ length: 35 }, (_, i) => aParcel({ fee: 10 + i, currency: 'USD' }))
  await world.produce([...second.slice(0, 30), first[0]!], { partition: 1 })
  await produceAborted([aParcel(), aParcel()], 1)
  await world.produce(second.slice(30), { partition: 1 })
  const worker = await world.openWorker()
  // One partition after the other: which of two records of one parcel is the duplicate is to be known.
  await worker.runOnce({ concurrency: 1 })
  await worker.close()
  await world.pool.end()
})
afterAll(() => world.cleanUp())

async function produceAborted(messages: readonly object[], partition: number): Promise<void> {
  const producer = world.kafka.producer({
    transactionalId: world.topic,
    maxInFlightRequests: 1,
    idempotent: true,
  })
  await producer.connect()
  const transaction = await producer.transaction()
  await transaction.send({
    topic: world.topic,
    messages: messages.map((message) => ({ partition, value: JSON.stringify(message) })),
  })
  await transaction.abort()
  await producer.disconnect()
}

const aCopy = (tampering?: string) => aCopyOf(world, tampering)
const check = (pool: Pool, deep: boolean) => checkCopy(world, pool, deep)

describe('a warehouse that is right', () => {
  test('balances, and every record of the log is found in it', async () => {
    const { pool } = await aCopy()
    const report = await check(pool, true)
    expect(findingsOf(report)).toEqual([])
    expect(report).toMatchObject({
      balanced: true,
      totals: { consumed: 88, loaded: 75, duplicate: 6, deadLettered: 7 },
      everyRecord: { records: 88, facts: 75, duplicates: 6, deadLetters: 7, goneFromLog: 0 },
      warnings: [],
    })
    expect(report.partitions).toMatchObject([
      { partition: 0, firstOffset: 0, watermark: 52, logStart: 0, logEnd: 52, batches: 3, consumed: 52 },
      { partition: 1, firstOffset: 0, watermark: 39, logStart: 0, logEnd: 39, consumed: 36 },
    ])
  })

  test('exits 0 with the verdict in the last line', async () => {
    const { env } = await aCopy()
    const { code, out, err } = await runPulse(env, ['reconcile', '--deep'])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out.trimEnd().split('\n').at(-1)).toMatch(
      /^Balanced: 88 consumed = 75 loaded \+ 6 duplicate \+ 7 dead-lettered \(\d+(\.\d)? m?s\)$/,
    )
  })

  test('prints the report as JSON', async () => {
    const { env } = await aCopy()
    const { code, out } = await runPulse(env, ['reconcile', '--json'])
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ topic: world.topic, balanced: true, everyRecord: null })
  })
})

const FACT = 'source_partition = 0 and source_offset = 7'
/** The rollup's row of that fact. */
const CELL = `(minute, source_partition, currency, depot) =
  (select date_trunc('minute', weighed_at), source_partition, currency, depot
   from warehouse.parcels where ${FACT})`

const TAMPERINGS: readonly Tampering[] = [
  {
    what: 'a fact is gone',
    sql: `delete from warehouse.parcels where ${FACT}`,
    found: [
      /^batches: loaded: batch T:0:0-19: 20 loaded by the ledger, but 19 facts are there$/,
      /^rollup: (differs|without facts): minute .*Z, partition 0, EUR, north: /,
      /^parcel keys: key without fact: parcel .{36}: its key of .*Z has no fact$/,
    ],
    deep: [
      /^every record: lost: T\/0 offset 7: it is neither fact nor dead letter.* has a key, but no fact$/,
    ],
  },
  {
    what: 'a fact and all that tells of it are gone',
    sql: `update warehouse.parcels_by_minute s set parcels = s.parcels - 1, fee = s.fee - t.fee, surcharge = s.surcharge - t.surcharge
            from warehouse.parcels t where t.source_partition = 0 and t.source_offset = 7 and (s.minute, s.source_partition) = (date_trunc('minute', t.weighed_at), t.source_partition);
          delete from warehouse.parcel_keys where parcel_id = (select parcel_id from warehouse.parcels where ${FACT});
          delete from warehouse.parcels where ${FACT};
          update audit.pipeline_batches set loaded = loaded - 1, duplicate = duplicate + 1 where partition = 0 and from_offset = 0`,
    found: [],
    deep: [
      /^every record: lost: T\/0 offset 7: .* was never loaded$/,
      /^every record: duplicates: batch T:0:0-19: the log has 0 duplicates in its range, the ledger has 1$/,
    ],
  },
  {
    what: 'a key is gone',
    sql: `delete from warehouse.parcel_keys where parcel_id = (select parcel_id from warehouse.parcels where ${FACT})`,
    found: [
      /^parcel keys: fact without key: parcel .{36}: its fact at offset 7 of batch T:0:0-19 has no key$/,
    ],
  },
  {
    what: 'a key without a fact is there',
    sql: `insert into warehouse.parcel_keys values ('00000000-0000-4000-8000-000000000000', '2026-01-01T00:00:00Z')`,
    found: [
      /^parcel keys: key without fact: parcel 00000000-0000-4000-8000-000000000000: its key of 2026-01-01T00:00:00.000Z has no fact$/,
    ],
  },
  {
    what: 'a parcel is there twice',
    sql: `create temp table twin as select * from warehouse.parcels where ${FACT};
          update twin set weighed_at = weighed_at + interval '1 microsecond';
          insert into warehouse.parcels overriding user value select * from twin`,
    found: [
      /^parcel keys: another timestamp: parcel /,
      /^batches: loaded: batch T:0:0-19: 20 loaded .* 21 facts/,
      /^rollup: /,
    ],
    deep: [/^every record: stored twice: T\/0 offset 7: it has more than one fact$/],
  },
  {
    what: "a fact's fee is another",
    sql: `update warehouse.parcels set fee = fee + 1 where ${FACT}`,
    found: [
      /^rollup: differs: minute .*: fee is [\d.]+ by the facts, [\d.]+ in the rollup$/,
      /^totals: broken: parcel .{36}: it has total /,
    ],
    deep: [
      /^every record: fact with other values: T\/0 offset 7: the fact's fee is 936.00, by the record 935.00$/,
    ],
  },
  {
    what: "a fact's fee is another, and all sums with it",
    sql: `update warehouse.parcels set fee = fee + 1, total = total + 1 where ${FACT};
          update warehouse.parcels_by_minute set fee = fee + 1 where ${CELL}`,
    found: [],
    deep: [
      /^every record: fact with other values: T\/0 offset 7: the fact's fee is 936.00, by the record 935.00$/,
    ],
  },
  {
    what: 'a fact has another sender',
    sql: `update warehouse.parcels set sender = E'x\\u001b[2J' where ${FACT}`,
    found: [],
    deep: [
      /^every record: fact with other values: T\/0 offset 7: the fact's sender is "x.*", by the record "sender-1"$/,
    ],
  },
  {
    what: 'a fact says that it came from another record',
    sql: `update warehouse.parcels set source_offset = 4 where ${FACT}`,
    found: [/^offsets: twice: offset 4 of batch T:0:0-19: it has 2 facts and 0 dead letters$/],
    deep: [
      /^every record: stored twice: T\/0 offset 4: it has more than one fact$/,
      /^every record: duplicates: batch T:0:0-19: the log has 1 duplicate in its range, the ledger has 0$/,
    ],
  },
  {
    what: 'a fact says that it came from a record that was aborted',
    sql: `update warehouse.parcels set source_offset = 32 where source_partition = 1 and source_offset = 29`,
    found: [],
    deep: [
      /^every record: not in the log: T\/1 offset 32: there is a fact, but the log has no record there$/,
    ],
  },
  {
    what: "a fact's total is another",
    sql: `update warehouse.parcels set total = 1 where ${FACT}`,
    found: [/^totals: broken: parcel .{36}: it has total 1.00, fee 935.00, surcharge 79.48$/],
  },
  {
    what: 'a fact of no batch is there',
    sql: `update warehouse.parcels set batch_id = 'elsewhere:0:0-9' where ${FACT}`,
    found: [
      /^batches: loaded: batch T:0:0-19: /,
      /^batches: not in the ledger: batch elsewhere:0:0-9: 1 fact and 0 dead letters have this batch, the ledger has it not$/,
    ],
    deep: [],
  },
  {
    what: 'a fact has a number that no partition has',
    sql: `update warehouse.parcels set source_partition = 777 where ${FACT}`,
    found: [/^batches: origin: batch T:0:0-19: /],
    deep: [
      /^every record: duplicates: batch T:0:0-19: the log has 1 duplicate in its range, the ledger has 0$/,
    ],
  },
  {
    what: 'a row of the rollup is another',
    sql: `update warehouse.parcels_by_minute set dear = dear + 1 where ${CELL}`,
    found: [
      /^rollup: differs: minute .*, partition 0, EUR, north: dear is \d+ by the facts, \d+ in the rollup$/,
    ],
  },
  {
    what: 'a row of the rollup is too much',
    sql: `insert into warehouse.parcels_by_minute values ('2026-01-01T00:00:00Z', 0, 'EUR', E'x\\u001b[31m', 1, 0, 1, 1, 0)`,
    found: [
      /^rollup: without facts: minute 2026-01-01T00:00:00.000Z, partition 0, EUR, .*the rollup has 1 parcels, but there is no fact$/,
    ],
  },
  {
    what: 'a row of the rollup is gone',
    sql: `delete from warehouse.parcels_by_minute where ${CELL}`,
    found: [/^rollup: missing: minute .*, partition 0, EUR, north: \d+ facts, but no row in the rollup$/],
  },
  {
    what: 'a batch is gone from the ledger',
    sql: `delete from audit.pipeline_batches where partition = 0 and from_offset = 20`,
    found: [
      /^ranges: gap: T\/0: no batch has offsets 20 to 39; next is batch T:0:40-51$/,
      /^batches: not in the ledger: batch T:0:20-39: 20 facts and 0 dead letters have this batch, the ledger has it not$/,
    ],
  },
  {
    what: 'the first batch is gone from the ledger',
    sql: `delete from audit.pipeline_batches where partition = 0 and from_offset = 0`,
    found: [/^ranges: gap: T\/0: no batch has offsets 0 to 19; next is batch T:0:20-39$/],
  },
  {
    what: 'two batches overlap',
    sql: `insert into audit.pipeline_batches (topic, partition, incarnation, from_offset, to_offset, batch_id, run_id, extract_ms, validate_ms, transform_ms, load_ms)
          select topic, partition, incarnation, 25, 30, topic || ':0:25-29', run_id, 0, 0, 0, 0 from audit.pipeline_batches where partition = 0 limit 1`,
    found: [
      /^ranges: overlap: T\/0: batch T:0:25-29 begins at 25, but the ranges before it reach 40; accounted for twice: offsets 25 to 29$/,
    ],
  },
  {
    what: 'a batch has the name of another',
    sql: `update audit.pipeline_batches set batch_id = 'T:0:0-9' where partition = 0 and from_offset = 0`,
    found: [/^batches: name: batch T:0:0-9: its range is that of T:0:0-19$/],
  },
  {
    what: 'the ledger has other duplicates than the log',
    sql: `update audit.pipeline_batches set duplicate = duplicate + 2, consumed = consumed + 2 where partition = 1 and from_offset = 20`,
    found: [],
    deep: [
      /^every record: duplicates: batch T:1:20-\d+: the log has 1 duplicate in its range, the ledger has 3$/,
      /^every record: consumed: batch T:1:20-\d+: the log has 16 records in its range, the ledger has 18 consumed$/,
    ],
  },
  {
    what: 'the ledger itself does not add up, its constraint taken away',
    sql: `alter table audit.pipeline_batches drop constraint pipeline_batches_balance;
          update audit.pipeline_batches set duplicate = duplicate + 1 where partition = 0 and from_offset = 40`,
    found: [/^batches: consumed: batch T:0:40-51: 12 consumed is not 0 \+ 6 \+ 7$/],
  },
  {
    what: 'a record is a fact and a dead letter',
    sql: `update audit.dead_letters set "offset" = 44 where "offset" = 46;
          update warehouse.parcels set source_offset = 44, batch_id = replace(batch_id, ':20-39', ':40-51') where source_partition = 0 and source_offset = 39`,
    found: [/^offsets: twice: offset 44 of batch T:0:40-51: it has 1 fact and 1 dead letter$/],
    deep: [/^every record: stored twice: T\/0 offset 44: it is a fact and a dead letter$/],
  },
  {
    what: 'a dead letter is gone',
    sql: `delete from audit.dead_letters where "offset" = 47`,
    found: [
      /^batches: dead-lettered: batch T:0:40-51: 7 dead-lettered by the ledger, but 6 dead letters are there$/,
    ],
    deep: [/^every record: lost: T\/0 offset 47: .*it breaks the contract \(schema_violation\)$/],
  },
  {
    what: 'a dead letter has other bytes',
    sql: `update audit.dead_letters set value = 'x', key = null where "offset" = 46`,
    found: [],
    deep: [
      /^every record: dead letter with other bytes: T\/0 offset 46: dead letter \d+ has another key and value than the record$/,
    ],
  },
  {
    what: 'a dead letter without a value has one',
    sql: `update audit.dead_letters set value = '' where "offset" = 48`,
    found: [],
    deep: [
      /^every record: dead letter with other bytes: T\/0 offset 48: dead letter \d+ has another value than the record$/,
    ],
  },
  {
    what: 'a dead letter waits to be published',
    sql: `update audit.dead_letters set published_at = null where "offset" = 46`,
    found: [/^published: unpublished: dead letter \d+: of T\/0 offset 46, waits to be published since .*Z$/],
  },
  {
    what: 'the watermark was moved back',
    sql: `update audit.partition_progress set next_offset = 50 where partition = 0`,
    found: [/^ranges: overlap: T\/0: the watermark is 50, but the ledger goes on: offsets 50 to 51$/],
    deep: [
      /^every record: behind the watermark: T\/0 offset 50: there is a dead letter, but the watermark is 50$/,
    ],
  },
  {
    what: 'the watermark was moved on',
    sql: `update audit.partition_progress set next_offset = 60 where partition = 0`,
    found: [
      /^ranges: gap: T\/0: no batch has offsets 52 to 59; next is the watermark$/,
      /^log: log: T\/0: the log ends at 52, but it was loaded up to 60$/,
    ],
  },
  {
    what: 'the watermark is gone',
    sql: `delete from audit.partition_progress where partition = 0`,
    found: [/^ranges: no watermark: T\/0: batch T:0:0-19 belongs to no watermark$/],
  },
  {
    what: 'the log is that of another cluster',
    sql: `update audit.partition_progress set cluster_id = 'another' where partition = 0`,
    found: [/^log: log: T\/0: this is cluster \S+, the watermark is of cluster another$/],
  },
  {
    what: 'the last record is not the one that was loaded',
    sql: `update audit.partition_progress set last_hash = 'another' where partition = 0`,
    found: [/^log: log: T\/0: offset 51 holds another record, not the one that was loaded$/],
  },
  {
    what: "the log's start has moved back",
    sql: `update audit.partition_progress set log_start = 3 where partition = 0`,
    found: [/^log: log: T\/0: the log starts at 0, but it started at 3 before$/],
  },
  {
    what: 'a data loss is open',
    sql: `update audit.pipeline_batches set to_offset = to_offset - 1, batch_id = topic || ':1:20-37' where partition = 1 and to_offset = 39;
          update warehouse.parcels set batch_id = replace(batch_id, ':1:20-38', ':1:20-37');
          insert into audit.data_losses (topic, partition, incarnation, from_offset, to_offset)
          select topic, 1, 1, 38, 39 from audit.partition_progress limit 1`,
    found: [/^data losses: not acknowledged: T\/1: lost before they were loaded: offset 38 /],
  },
]

describe('a warehouse that was tampered with: it is named that', () => {
  test.each(TAMPERINGS)('$what', async ({ sql, found, deep = [] }) => {
    const { pool } = await aCopy(sql)
    const shallow = await check(pool, false)
    expect(shallow.balanced).toBe(found.length === 0)
    for (const finding of found) expect(findingsOf(shallow)).toContainEqual(expect.stringMatching(finding))
    const thorough = await check(pool, true)
    expect(thorough.balanced).toBe(false)
    for (const finding of [...found, ...deep])
      expect(findingsOf(thorough)).toContainEqual(expect.stringMatching(finding))
  })

  test('the first twenty of a kind are told, and how many more there are', async () => {
    const { pool } = await aCopy('update warehouse.parcels set total = 1')
    const report = await check(pool, false)
    expect(failedChecks(report)).toEqual(['totals'])
    expect(report.checks.find(({ name }) => name === 'totals')!.findings).toMatchObject([
      { kind: 'broken', total: 75 },
    ])
    expect(findingsOf(report)).toHaveLength(20)
    expect(renderReconciliation(report)).toContain('… and 55 more')
  })

  test('exits 6, with the verdict in the last line, and no byte that a terminal would obey', async () => {
    const { env } = await aCopy(
      TAMPERINGS.find(({ what }) => what === 'a row of the rollup is too much')!.sql,
    )
    const { code, out } = await runPulse(env, ['reconcile'])
    expect(code).toBe(6)
    expect(out).toContain(String.raw`EUR, x\u001b[31m: the rollup has 1 parcels`)
    expect(out).not.toContain('\u001b')
    expect(out.trimEnd().split('\n').at(-1)).toMatch(
      /^NOT balanced: 1 finding \(rollup 1\); 88 consumed = 75 loaded \+ 6 duplicate \+ 7 dead-lettered/,
    )
  })

  test('the table refuses a batch that does not balance', async () => {
    await expect(aCopy('update audit.pipeline_batches set duplicate = duplicate + 1')).rejects.toMatchObject({
      constraint: 'pipeline_batches_balance',
    })
  })
})

describe('what an operator should know', () => {
  test('a stopped partition is a warning: it has lag, not imbalance', async () => {
    const { pool } = await aCopy(
      `update audit.partition_progress set stopped_at = now(), stop_code = 'mass_rejection', stop_reason = 'too many' where partition = 0`,
    )
    const report = await check(pool, false)
    expect(report).toMatchObject({
      balanced: true,
      warnings: [`${world.topic}/0 is stopped (mass_rejection): too many`],
    })
  })

  test('dead letters of a moment ago have the time that a live job needs to publish them', async () => {
    const { pool, env } = await aCopy(
      `update audit.dead_letters set published_at = null, created_at = now() where "offset" = 46`,
    )
    const superuser = new Client({ connectionString: env.DATABASE_URL })
    await superuser.connect()
    const reconciled = reconcile({
      pool,
      stream: world.stream,
      kafka: world.kafka,
      topic: world.topic,
      publishGraceMs: 20_000,
    })
    await superuser.query('select pg_sleep(1); update audit.dead_letters set published_at = now()')
    await superuser.end()
    expect(findingsOf(await reconciled)).toEqual([])
  })
})

test('a lost stretch of the log fails it until it is acknowledged, and what the log no longer holds is said', async () => {
  const lost = await aWorldOfParcels({ partitions: 1, env: { BATCH_SIZE: '10' } })
  const messages = Array.from({ length: 30 }, () => aParcel())
  const worker = await lost.openWorker()
  await lost.produce(messages.slice(0, 10))
  await worker.runOnce()
  await lost.produce(messages.slice(10))
  const partitions = [{ partition: 0, offset: '15' }]
  await withAdmin(lost.kafka, async (admin) => {
    await admin.fetchTopicOffsets(lost.topic) // loads the metadata that deleting needs
    await admin.deleteTopicRecords({ topic: lost.topic, partitions })
  })
  await worker.runOnce()

  const { pool } = worker.pipeline
  const options = { pool, stream: lost.stream, kafka: lost.kafka, topic: lost.topic, deep: true }
  const open = await reconcile(options)
  expect(open).toMatchObject({ balanced: false, totals: { consumed: 25, loaded: 25 } })
  expect(failedChecks(open)).toEqual(['data losses'])
  expect(renderReconciliation(open)).toContain(
    `${lost.topic}/0: lost before they were loaded: offsets 10 to 14`,
  )

  const done = await runPulse(lost.env, ['partitions', 'acknowledge-loss', '0', '10', '--reason', 'INC-42'])
  expect(done).toMatchObject({ code: 0, err: '' })
  const acknowledged = await reconcile(options)
  expect(acknowledged).toMatchObject({
    balanced: true,
    everyRecord: { records: 15, facts: 15, goneFromLog: 10 },
  })
  expect(renderReconciliation(acknowledged)).toMatch(
    /⚠️ \S+\/0 lost offsets 10 to 14, acknowledged by \w+ at \S+Z: INC-42/,
  )
  expect(acknowledged.warnings).toEqual([
    `the log of ${lost.topic}/0 no longer holds offsets 0 to 14: 10 facts and 0 dead letters of them were not held against it`,
  ])
})

test('a live job does not make it fail', async () => {
  const live = await aWorldOfParcels({
    partitions: 2,
    env: {
      BATCH_SIZE: '50',
      PRODUCER_RATE: '1000',
      PRODUCER_LIMIT: '4000',
      PRODUCER_INVALID_RATIO: '0.05',
      PRODUCER_DUPLICATE_RATIO: '0.05',
    },
  })
  const producer = live.startProducer()
  const worker = await live.openWorker()
  const over = new AbortController()
  const running = (async () => {
    while (!over.signal.aborted) await worker.runOnce()
  })()
  const reports: ReconcileReport[] = []
  while (producer.isRunning() || reports.length < 3)
    reports.push(
      await reconcile({
        stream: live.stream,
        pool: worker.pipeline.pool,
        kafka: live.kafka,
        topic: live.topic,
        deep: true,
      }),
    )
  over.abort()
  await running
  await worker.runOnce()
  reports.push(
    await reconcile({
      stream: live.stream,
      pool: worker.pipeline.pool,
      kafka: live.kafka,
      topic: live.topic,
      deep: true,
    }),
  )
  expect(reports.flatMap(findingsOf)).toEqual([])
  expect(reports.at(-1)).toMatchObject({ totals: { consumed: 4_000 }, everyRecord: { records: 4_000 } })
  expect(new Set(reports.map(({ totals }) => totals.consumed)).size).toBeGreaterThan(2)
})

test('an empty warehouse balances, and it is said what is missing', async () => {
  const empty = await aWorldOfParcels({ withoutTopics: true })
  const { code, out } = await runPulse(empty.env, ['reconcile', '--deep'])
  expect(code).toBe(0)
  expect(out).toContain('Nothing was loaded yet.')
  expect(out).toContain(`⚠️ Kafka has no topic ${empty.topic}`)
  expect(out).toMatch(/Balanced: 0 consumed = 0 loaded \+ 0 duplicate \+ 0 dead-lettered/)
})
