import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { renderReconciliation } from '../../etl/reconcile/reconcile.ts'
import { aHousekeeper, daysAgo } from '../support/housekeeper.ts'
import { runPulse } from '../support/pulse.ts'
import { aCopyOf, check, findingsOf, type Tampering } from '../support/reconciled.ts'
import { aParcel, aWorldOfParcels } from '../support/parcels.ts'
import type { World } from '../support/world.ts'

/**
 * `pulse reconcile` after housekeeping, on copies of a warehouse that may be tampered with.
 *
 * Offsets 0 and 1 are parcels of 400 days ago, 2 repeats the first, 3 and 4 break the contract, 5 is a parcel
 * of now; one batch each, folded into the opening balance, the facts of 0 and 1 dropped, the dead letter 3
 * pruned. Offset 6 is another parcel of 400 days ago, 7 one that repeats it, 8 to 1,005 parcels of now, in
 * batches that stay. The log holds all of it and keeps it for long, so that the parcel keys stay.
 */
let world: World

beforeAll(async () => {
  world = await aWorldOfParcels({
    partitions: 1,
    topicSettings: { 'retention.ms': String(400 * 86_400_000) },
  })
  const [first, second, third] = [400, 400, 400].map((days) => aParcel({ weighed: daysAgo(days) }))
  await world.produce([first!, second!, first!, '{', '[', aParcel(), third!, third!])
  await world.produce(Array.from({ length: 998 }, () => aParcel()))
  const worker = await world.openWorker()
  await worker.runOnce({ batchSize: 1, deadLetterMaxRatio: 1, budgetMs: 110_000 })
  await worker.close()
  await world.pool.query(`
    update audit.pipeline_batches set loaded_at = now() - interval '40 days';
    update audit.dead_letters set resolved_at = now() - interval '40 days' where "offset" = 3`)
  const keeper = aHousekeeper(world, { RETENTION_DAYS: '100', LEDGER_RETENTION_DAYS: '30' })
  await keeper.keep()
  await keeper.close()
  await world.pool.end()
})
afterAll(() => world.cleanUp())

test('it balances, and says what is proved as a sum only', async () => {
  const { pool, env } = await aCopyOf(world)
  const report = await check(world, pool, true)
  expect(findingsOf(report)).toEqual([])
  expect(report).toMatchObject({
    balanced: true,
    totals: { consumed: 1_006, loaded: 1_002, duplicate: 2, deadLettered: 2 },
    // Three dropped facts, two duplicates of them, one pruned dead letter.
    everyRecord: { records: 1_006, facts: 999, duplicates: 0, deadLetters: 1, droppedOrPruned: 6 },
    warnings: [],
  })
  expect(report.partitions).toEqual([
    expect.objectContaining({
      batches: 1_006,
      dropped: 3,
      pruned: 1,
      openingBalance: {
        fromOffset: 0,
        toOffset: 6,
        batches: 6,
        consumed: 6,
        loaded: 3,
        duplicate: 1,
        skipped: 0,
        deadLettered: 2,
      },
    }),
  ])
  expect(renderReconciliation(report)).toContain(
    `${world.topic}/0: offsets 0 to 5 are an opening balance, proved as a sum: 6 batches, 6 consumed = 3 loaded + 1 duplicate + 2 dead-lettered`,
  )
  const { code, out } = await runPulse(env, ['reconcile'])
  expect(code).toBe(0)
  expect(out).toContain(
    'of the loaded 3 facts dropped for their age, of the dead-lettered 1 resolved dead letter pruned',
  )
})

const TAMPERINGS: readonly Tampering[] = [
  {
    what: 'the opening balance is gone',
    sql: 'delete from audit.opening_balances',
    found: [
      /^ranges: gap: T\/0: no batch has offsets 0 to 5; next is batch T:0:6-6$/,
      /^batches: not in the ledger: batch T:0:5-5: 1 fact and 0 dead letters have this batch/,
      /^parcel keys: key without fact: parcel /,
    ],
    deep: [/^every record: lost: T\/0 offset 0: .* has a key, but no fact$/],
  },
  {
    what: 'the opening balance ends too early',
    sql: 'update audit.opening_balances set to_offset = 5',
    found: [
      /^ranges: gap: T\/0: no batch has offset 5; next is batch T:0:6-6$/,
      /^batches: not in the ledger: batch T:0:5-5: /,
      /^opening balances: loaded: T\/0: 3 loaded, but 0 facts are there and 2 were dropped for their age$/,
    ],
    deep: [
      /^every record: consumed: the opening balance of T\/0: the log has 5 records in its range, the ledger has 6/,
    ],
  },
  {
    what: 'it says that more were loaded',
    sql: 'update audit.opening_balances set loaded = loaded + 1, consumed = consumed + 1',
    found: [
      /^opening balances: loaded: T\/0: 4 loaded, but 1 facts are there and 2 were dropped for their age$/,
    ],
    deep: [/^every record: consumed: the opening balance of T\/0: the log has 6 records .* 7 consumed$/],
  },
  {
    what: 'it says that more were dropped, to hide a fact that was taken away',
    sql: `update warehouse.parcels_by_minute s set parcels = s.parcels - 1, fee = s.fee - t.fee, surcharge = s.surcharge - t.surcharge
            from warehouse.parcels t where t.source_offset = 5 and s.minute = date_trunc('minute', t.weighed_at);
          delete from warehouse.parcels where source_offset = 5;
          update audit.opening_balances set dropped = dropped + 1`,
    found: [/^parcel keys: key without fact: parcel .{36}: its key of .*Z has no fact$/],
  },
  {
    what: 'it says that it had another duplicate, to hide a dead letter that was taken away',
    sql: `delete from audit.dead_letters where "offset" = 4;
          update audit.opening_balances set dead_lettered = dead_lettered - 1, duplicate = duplicate + 1`,
    found: [],
    deep: [/^every record: lost: T\/0 offset 4: .*it breaks the contract \(malformed_json\)$/],
  },
  {
    what: 'a dead letter of it is gone',
    sql: `delete from audit.dead_letters where "offset" = 4`,
    found: [
      /^opening balances: dead-lettered: T\/0: 2 dead-lettered, but 0 dead letters are there and 1 were pruned$/,
    ],
    deep: [/^every record: lost: T\/0 offset 4: .*it breaks the contract \(malformed_json\)$/],
  },
  {
    what: 'it does not add up, its constraint taken away',
    sql: `alter table audit.opening_balances drop constraint opening_balances_balance;
          update audit.opening_balances set duplicate = 0`,
    found: [/^opening balances: consumed: T\/0: 6 consumed is not 3 \+ 0 \+ 2$/],
  },
  {
    what: 'it is of another partition',
    sql: 'update audit.opening_balances set partition = 7',
    found: [/^ranges: no watermark: T\/7: the opening balance belongs to no watermark$/],
  },
  {
    what: 'a batch says that its fact was dropped, and it is there',
    sql: `update audit.pipeline_batches set dropped = 1 where from_offset = 100`,
    found: [
      /^batches: loaded: batch T:0:100-100: 1 loaded by the ledger, but 1 facts are there and 1 were dropped for their age$/,
    ],
    deep: [
      /^every record: duplicates: batch T:0:100-100: the log has 0 duplicates in its range, the ledger has 0, 1 dropped for their age and 0 pruned$/,
    ],
  },
  {
    what: 'a batch has forgotten that its fact was dropped',
    sql: `update audit.pipeline_batches set dropped = 0 where from_offset = 6`,
    found: [/^batches: loaded: batch T:0:6-6: 1 loaded by the ledger, but 0 facts are there$/],
    deep: [/^every record: lost: T\/0 offset 6: .* has a key, but no fact$/],
  },
  {
    what: 'a young fact was taken away, and the batch says that it was dropped',
    sql: `update warehouse.parcels_by_minute s set parcels = s.parcels - 1, fee = s.fee - t.fee, surcharge = s.surcharge - t.surcharge
            from warehouse.parcels t where t.source_offset = 100 and s.minute = date_trunc('minute', t.weighed_at);
          delete from warehouse.parcel_keys where parcel_id = (select parcel_id from warehouse.parcels where source_offset = 100);
          delete from warehouse.parcels where source_offset = 100;
          update audit.pipeline_batches set dropped = 1 where from_offset = 100`,
    found: [],
    deep: [
      /^every record: lost: T\/0 offset 100: .* was never loaded$/,
      /^every record: duplicates: batch T:0:100-100: the log has 0 duplicates in its range, the ledger has 0, 1 dropped/,
    ],
  },
  {
    what: 'the parcel keys hold more of the dropped months than was dropped',
    sql: `insert into warehouse.parcel_keys select gen_random_uuid(), now() - interval '400 days' from generate_series(1, 4)`,
    found: [/^parcel keys: key without fact: parcel /],
  },
]

describe('tampered with, it is named', () => {
  test.each(TAMPERINGS)('$what', async ({ sql, found, deep = [] }) => {
    const { pool } = await aCopyOf(world, sql)
    const shallow = await check(world, pool, false)
    for (const finding of found) expect(findingsOf(shallow)).toContainEqual(expect.stringMatching(finding))
    expect(shallow.balanced).toBe(found.length === 0)
    const thorough = findingsOf(await check(world, pool, true))
    for (const finding of [...found, ...deep]) expect(thorough).toContainEqual(expect.stringMatching(finding))
    expect(thorough).not.toEqual([])
  })
})
