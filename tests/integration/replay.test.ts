import { describe, expect, test } from 'vitest'
import { aTransactionalProducer } from '../support/kafka.ts'
import { aParcel, aWorldOfParcels, mixedParcels, NEW_RULES, parcelsBy } from '../support/parcels.ts'
import { ALL, aReplayer, notByNewRules, replayed, untouched } from '../support/replayer.ts'
import type { World } from '../support/world.ts'

/** Three partitions with good, bad and repeated records, and aborted transactions between them; loaded. */
async function aLoadedWorld(records = 1_500): Promise<World> {
  const world = await aWorldOfParcels()
  const values = mixedParcels(records)
  const transactions = await aTransactionalProducer(world)
  for (let part = 0; part < 3; part++) {
    const sent = values.slice((part * records) / 3, ((part + 1) * records) / 3)
    // Keys of their own: a parcel's duplicates are in other partitions too.
    await world.produceRecords(sent.map((value, i) => ({ key: `key-${part}-${i}`, value })))
    const transaction = await transactions.begin()
    await transaction.send([aParcel(), aParcel()])
    await transaction.abort()
  }
  expect(await world.runOnce()).toMatchObject({ status: 'succeeded', consumed: records })
  return world
}

describe('a replay of everything', () => {
  test('leaves facts and rollup as a load with the new rules would, and nothing else is touched', async () => {
    const world = await aLoadedWorld()
    await aReplayer(world, { batchSize: 70 })
    const before = await untouched(world)
    const facts = await world.facts()
    expect(await notByNewRules(world)).toHaveLength(facts.length)

    const { result, runId, done, total } = await replayed(world)

    expect(await notByNewRules(world)).toEqual([])
    await world.assertBalanced()
    expect(await untouched(world)).toEqual(before)

    const letters = await world.deadLetters()
    const conflicting = letters.filter(({ code }) => code === 'conflicting_duplicate').length
    expect(result).toMatchObject({
      records: 1_500,
      notValid: letters.length - conflicting,
      facts: facts.length,
      withoutFact: 1_500 - facts.length - letters.length + conflicting,
      otherValues: 0,
      changed: facts.length,
      gone: 0,
      dear: { after: facts.filter(({ fee }) => Number(fee) > 50).length },
    })
    const bounds = await world.bounds()
    expect(total).toBe(bounds.reduce((sum, { start, end }) => sum + end - start, 0))
    expect(done).toBe(total)
    const { rows } = await world.pool.query(
      `select r.kind, r.status, r.consumed, r.error, r.finished_at is not null as finished,
              (select sum(records)::int from audit.replay_ranges) as records,
              (select sum(changed)::int from audit.replay_ranges) as changed
       from audit.pipeline_runs r where id = $1`,
      [runId],
    )
    expect(rows).toEqual([
      {
        kind: 'replay',
        status: 'succeeded',
        consumed: 0,
        error: null,
        finished: true,
        records: 1_500,
        changed: facts.length,
      },
    ])
  })

  test('done twice changes nothing the second time, and with the old rules again everything is as it was', async () => {
    const world = await aLoadedWorld(300)
    const replayer = await aReplayer(world)
    const [facts, rollup] = [await world.facts(), await rollupOf(world)]
    await replayed(world)
    expect((await replayed(world)).result).toMatchObject({ facts: facts.length, changed: 0, samples: [] })
    expect(await notByNewRules(world)).toEqual([])
    await replayer.stop()

    await aReplayer(world, { stream: world.stream })
    expect((await replayed(world)).result).toMatchObject({ changed: facts.length })
    expect(await world.facts()).toEqual(facts)
    expect(await rollupOf(world)).toEqual(rollup)
  })

  test('as a dry run changes nothing, and says what the real one then does', async () => {
    const world = await aLoadedWorld(300)
    await aReplayer(world, { batchSize: 50 })
    const state = async () => [await untouched(world), await world.facts(), await rollupOf(world)]
    const before = await state()

    const dry = await replayed(world, ALL, { dryRun: true })

    expect(await state()).toEqual(before)
    const sums = await surchargeByCurrency(world)
    const real = await replayed(world)
    expect(real.result).toEqual(dry.result)
    const after = await surchargeByCurrency(world)
    expect(dry.result).toMatchObject({
      changed: (await world.facts()).length,
      surcharge: Object.fromEntries(
        Object.keys(sums).map((currency) => [currency, { before: sums[currency], after: after[currency] }]),
      ),
    })
    expect(dry.result?.['samples']).toHaveLength(5)
  })
})

test('only what differs is changed: a rule alone leaves the facts that it says nothing new of', async () => {
  const world = await aWorldOfParcels({ partitions: 1 })
  await world.produce([60, 40, 2_000, 50, 50.01].map((fee) => aParcel({ fee })))
  await world.runOnce()
  const newRules = parcelsBy({ ...NEW_RULES, perMille: 85 })
  await aReplayer(world, { stream: newRules })

  const { result } = await replayed(world)

  expect(result).toMatchObject({ facts: 5, changed: 3, dear: { before: 1, after: 3 } })
  expect(result?.['samples']).toMatchObject([
    {
      before: { surcharge: '5.10', is_dear: false, rank: 0, remarks: [] },
      after: {
        surcharge: '5.10',
        is_dear: true,
        rank: 30,
        remarks: ['over "50", \\'],
      },
    },
    { before: { rank: 50, remarks: ['fee over 1000'] }, after: { rank: 30 } },
    { before: { is_dear: false }, after: { surcharge: '4.25', is_dear: true } },
  ])
  expect((await world.facts()).map(({ is_dear: dear }) => dear)).toEqual([true, false, true, false, true])
  await world.assertBalanced()
})

test('the largest fees stay exact, also where their surcharge becomes nothing', async () => {
  const world = await aWorldOfParcels({ partitions: 1 })
  await world.produce(Array.from({ length: 300 }, () => aParcel({ fee: 9_999_999_999.99 })))
  await world.runOnce()
  await aReplayer(world, {
    stream: parcelsBy({ ...NEW_RULES, perMille: 0 }),
  })
  const { result } = await replayed(world)
  // 8.5 % are 849,999,999.99915, which is 850,000,000.00 for each.
  expect(result).toMatchObject({ surcharge: { EUR: { before: '255000000000.00', after: '0.00' } } })
  expect(await surchargeByCurrency(world)).toEqual({ EUR: '0.00' })
  await world.assertBalanced()
})

test('a parcel’s other records, and facts that the current code reads otherwise, are left alone', async () => {
  const world = await aWorldOfParcels({ partitions: 1 })
  const parcel = aParcel({ fee: 100 })
  const other = aParcel({ fee: 100 })
  await world.produce([parcel, parcel, { ...parcel, fee: 200 }, other, aParcel()])
  await world.runOnce()
  // As if the code had read another depot when it was loaded.
  await world.pool.query(`update warehouse.parcels set depot = 'North' where source_offset = 3`)
  await aReplayer(world)

  const { result } = await replayed(world)

  expect(result).toMatchObject({
    records: 5,
    notValid: 0,
    withoutFact: 2,
    otherValues: 1,
    facts: 2,
    changed: 2,
  })
  expect(await notByNewRules(world)).toEqual([{ partition: 0, offset: 3 }])
})

async function rollupOf(world: World): Promise<unknown[]> {
  const { rows } = await world.pool.query<Record<string, unknown>>(
    'select * from warehouse.parcels_by_minute order by minute, source_partition, currency, depot',
  )
  return rows
}

async function surchargeByCurrency(world: World): Promise<Record<string, string>> {
  const { rows } = await world.pool.query<{ currency: string; surcharge: string }>(
    'select currency, sum(surcharge)::text as surcharge from warehouse.parcels group by 1',
  )
  return Object.fromEntries(rows.map(({ currency, surcharge }) => [currency, surcharge]))
}
