import { describe, expect, test } from 'vitest'
import { compileWith } from '../../etl/stream/compile.ts'
import { taxRate } from '../../streams/transactions/tax.ts'
import { transactions as sales } from '../../streams/transactions/transactions.ts'
import { messages } from '../../producer/messages.ts'
import { stream as loadedBy } from '../support/stream.ts'
import { aTransactionalProducer } from '../support/kafka.ts'
import { ALL, aReplayer, NEW_FRAUD_RULES, notByNewRules, replayed, untouched } from '../support/replayer.ts'
import { aLiveMessage, aWorld, type World } from '../support/world.ts'

/** Three partitions with good, bad and repeated records, and aborted transactions between them; loaded. */
async function aLoadedWorld(records = 1_500): Promise<World> {
  const world = await aWorld()
  const stream = messages({ seed: 5, now: Date.now, invalidRatio: 0.1, duplicateRatio: 0.2 })
  const transactions = await aTransactionalProducer(world)
  for (let part = 0; part < 3; part++) {
    const sent = Array.from({ length: records / 3 }, () => stream.next().value)
    // Keys of their own: an order's duplicates are in other partitions too.
    await world.produceRecords(sent.map(({ value }, i) => ({ key: `key-${part}-${i}`, value })))
    const transaction = await transactions.begin()
    await transaction.send([aLiveMessage(), aLiveMessage()])
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
      flagged: { after: facts.filter(({ amount }) => Number(amount) > 50).length },
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

    await aReplayer(world, { stream: loadedBy })
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
    const sums = await taxByCurrency(world)
    const real = await replayed(world)
    expect(real.result).toEqual(dry.result)
    const after = await taxByCurrency(world)
    expect(dry.result).toMatchObject({
      changed: (await world.facts()).length,
      tax: Object.fromEntries(
        Object.keys(sums).map((currency) => [currency, { before: sums[currency], after: after[currency] }]),
      ),
    })
    expect(dry.result?.['samples']).toHaveLength(5)
  })
})

test('only what differs is changed: a fraud rule alone leaves the facts that it says nothing new of', async () => {
  const world = await aWorld({ partitions: 1 })
  await world.produce([60, 40, 2_000, 50, 50.01].map((amount) => aLiveMessage({ amount })))
  await world.runOnce()
  const newRules = compileWith(sales, { rate: taxRate('0.085'), fraudRules: NEW_FRAUD_RULES })
  await aReplayer(world, { stream: newRules })

  const { result } = await replayed(world)

  expect(result).toMatchObject({ facts: 5, changed: 3, flagged: { before: 1, after: 3 } })
  expect(result?.['samples']).toMatchObject([
    {
      before: { tax_amount: '5.10', is_fraud_flagged: false, fraud_score: 0, fraud_reasons: [] },
      after: {
        tax_amount: '5.10',
        is_fraud_flagged: true,
        fraud_score: 30,
        fraud_reasons: ['over "50", \\'],
      },
    },
    { before: { fraud_score: 50, fraud_reasons: ['amount over 1000'] }, after: { fraud_score: 30 } },
    { before: { is_fraud_flagged: false }, after: { tax_amount: '4.25', is_fraud_flagged: true } },
  ])
  expect((await world.facts()).map(({ is_fraud_flagged: flagged }) => flagged)).toEqual([
    true,
    false,
    true,
    false,
    true,
  ])
  await world.assertBalanced()
})

test('the largest amounts stay exact, also where their tax becomes nothing', async () => {
  const world = await aWorld({ partitions: 1 })
  await world.produce(Array.from({ length: 300 }, () => aLiveMessage({ amount: 9_999_999_999.99 })))
  await world.runOnce()
  await aReplayer(world, {
    stream: compileWith(sales, { rate: taxRate('0'), fraudRules: NEW_FRAUD_RULES }),
  })
  const { result } = await replayed(world)
  // 8.5 % are 849,999,999.99915, which is 850,000,000.00 for each.
  expect(result).toMatchObject({ tax: { EUR: { before: '255000000000.00', after: '0.00' } } })
  expect(await taxByCurrency(world)).toEqual({ EUR: '0.00' })
  await world.assertBalanced()
})

test('an order’s other records, and facts that the current code reads otherwise, are left alone', async () => {
  const world = await aWorld({ partitions: 1 })
  const order = aLiveMessage({ amount: 100 })
  const other = aLiveMessage({ amount: 100 })
  await world.produce([order, order, { ...order, amount: 200 }, other, aLiveMessage()])
  await world.runOnce()
  // As if the code had read another category when it was loaded.
  await world.pool.query(
    `update warehouse.transactions set product_category = 'Books' where source_offset = 3`,
  )
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
    'select * from warehouse.sales_by_minute order by minute, source_partition, currency, product_category',
  )
  return rows
}

async function taxByCurrency(world: World): Promise<Record<string, string>> {
  const { rows } = await world.pool.query<{ currency: string; tax: string }>(
    'select currency, sum(tax_amount)::text as tax from warehouse.transactions group by 1',
  )
  return Object.fromEntries(rows.map(({ currency, tax }) => [currency, tax]))
}
