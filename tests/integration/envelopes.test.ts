import { describe, expect, onTestFinished, test } from 'vitest'
import { keepSchema } from '../../etl/ledger/schemas.ts'
import { continueStopped, lookAt } from '../../etl/partitions/stopped.ts'
import { reconcile, renderReconciliation } from '../../etl/reconcile/reconcile.ts'
import { compile } from '../../etl/stream/compile.ts'
import { defineStream } from '../../etl/stream/define.ts'
import type { EnvelopeSpec } from '../../etl/stream/envelopes/envelope.ts'
import { decimal, envelope, instant, int, text } from '../../etl/stream/words.ts'
import { redrive } from '../support/background.ts'
import { change, heartbeat, logMessage, truncated, withSchema } from '../support/debezium.ts'
import { ask, settled, aReplayer } from '../support/replayer.ts'
import { waitFor } from '../support/wait-for.ts'
import { aWorld, type World } from '../support/world.ts'

/** Messages in envelopes, through a real Kafka into a real warehouse, and its books. */

const declare = (spec: EnvelopeSpec) =>
  defineStream('customers', {
    title: 'customer',
    topic: { key: 'customer_id' },
    envelope: spec,
    fields: {
      customer_id: int({ at: 'id' }),
      name: text(50),
      balance: decimal({ digits: 12, scale: 2 }).optional(),
      changed_at: instant({ epoch: 'ms', at: envelope('source.ts_ms') }),
    },
    eventTime: 'changed_at',
    partitionBy: 'month',
    identity: { once: 'customer_id', scope: 'event_time' },
  })
const customers = declare('debezium')
const stream = compile(customers)
const now = { ts_ms: Date.now() }
const insert = (id: number, name = `name ${id}`, source: Record<string, unknown> = {}) =>
  change('c', { after: { id, name } }, { ...now, ...source })

const aCustomersWorld = () => aWorld({ stream: customers, partitions: 1 })

async function proof(world: World) {
  const options = { pool: world.pool, stream, kafka: world.kafka, topic: world.topic, deep: true }
  const report = await reconcile({ ...options, publishGraceMs: 10_000 })
  return { ...report, failed: report.checks.filter(({ findings }) => findings.length > 0) }
}

/** What `pulse partitions continue 0` does. */
async function goOn({ pool, kafka, topic }: World): Promise<void> {
  const by = { name: 'ana', via: 'pulse' } as const
  await continueStopped(pool, kafka, by, await lookAt(pool, kafka, { topic, partition: 0 }))
}

async function namesOf(world: World): Promise<string[]> {
  const { rows } = await world.pool.query<{ name: string }>(
    'select name from warehouse.customers order by source_offset',
  )
  return rows.map(({ name }) => name)
}

test('of change events rows are loaded, what is no row is skipped, and the books know it to the record', async () => {
  const world = await aCustomersWorld()
  await world.produce([
    insert(1),
    withSchema(insert(2)),
    insert(1),
    heartbeat(),
    logMessage(),
    null,
    change('u', { after: { id: 3, name: '__debezium_unavailable_value' } }, now),
    change('d', { before: { id: 4, name: null } }, now),
    'no JSON',
  ])
  expect(await world.runOnce({ deadLetterMaxRatio: 1 })).toMatchObject({
    status: 'succeeded',
    consumed: 9,
    loaded: 2,
    duplicate: 1,
    skipped: 3,
    deadLettered: 3,
  })
  expect(await namesOf(world)).toEqual(['name 1', 'name 2'])
  expect(await world.deadLetters()).toMatchObject([
    { code: 'incomplete_row', issues: [{ field: 'name' }] },
    { code: 'schema_violation', issues: [{ message: /^value deletes a customer/ }] },
    { code: 'malformed_json' },
  ])
  const report = await proof(world)
  expect(report).toMatchObject({
    balanced: true,
    failed: [],
    totals: { consumed: 9, loaded: 2, duplicate: 1, skipped: 3, deadLettered: 3 },
    everyRecord: { records: 9, facts: 2, duplicates: 1, skipped: 3, deadLetters: 3 },
  })
  expect(renderReconciliation(report)).toMatch(
    /9 consumed = 2 loaded \+ 1 duplicate \+ 3 skipped \+ 3 dead-lettered/,
  )
  const { rows } = await world.pool.query(
    'select skipped from audit.pipeline_runs union all select skipped from audit.pipeline_batches',
  )
  expect(rows).toEqual([{ skipped: 3 }, { skipped: 3 }])
})

test('a ledger that says another number of skipped records is found, with the log and without', async () => {
  const world = await aCustomersWorld()
  await world.produce([insert(1), heartbeat(), insert(1)])
  await world.runOnce()
  await world.pool.query('update audit.pipeline_batches set skipped = 0, duplicate = 2')
  expect((await proof(world)).failed).toMatchObject([
    {
      name: 'every record',
      findings: [
        { kind: 'skipped', examples: [{ message: /1 record .*no row, the ledger has 0 skipped/ }] },
        { kind: 'duplicates' },
      ],
    },
  ])
  await expect(world.pool.query('update audit.pipeline_batches set skipped = 1')).rejects.toThrow(
    'pipeline_batches_balance',
  )
})

test('heartbeats don’t make a topic that is wrong look right', async () => {
  const world = await aCustomersWorld()
  const bad = Array.from({ length: 30 }, () => 'no JSON')
  await world.produce([...bad, ...Array.from({ length: 100 }, () => heartbeat())])
  await world.runOnce()
  expect(await world.watermarks()).toMatchObject([
    {
      stop_code: 'mass_rejection',
      stop_reason: /30 of the last 30 records would be dead letters/,
      next_offset: 0,
    },
  ])
})

const stoppedAt = (offset: number) => [
  {
    next_offset: offset,
    stop_code: 'truncated',
    stop_reason: /the table shop.public.customers was emptied/,
  },
]

test('what is folded into an opening balance keeps its skipped records', async () => {
  const world = await aCustomersWorld()
  await world.produce([insert(1), heartbeat(), null])
  await world.runOnce()
  // An incarnation that is over is folded to its end.
  await world.pool.query(`update audit.pipeline_batches set loaded_at = now() - interval '9 days';
    update audit.partition_progress set incarnation = 2, next_offset = 3, first_offset = 3, last_offset = null`)
  for (const folded of [1, 0]) {
    const { rows } = await world.pool.query('select audit.fold_batches($1, 0, 1, 1) as folded', [world.topic])
    expect(rows).toEqual([{ folded }])
  }
  const { rows } = await world.pool.query('select consumed, loaded, skipped from audit.opening_balances')
  expect(rows).toEqual([{ consumed: 3, loaded: 1, skipped: 2 }])
  expect(await proof(world)).toMatchObject({ balanced: true, totals: { consumed: 3, loaded: 1, skipped: 2 } })
  await expect(world.pool.query('update audit.opening_balances set skipped = 1')).rejects.toThrow(
    'opening_balances_balance',
  )
})

test('two workers that learn a schema at once keep it once', async () => {
  const world = await aCustomersWorld()
  const schema = { id: 7, type: 'JSON', text: '{}', imports: [] } as const
  const rival = await world.pool.connect()
  onTestFinished(() => rival.release(true))
  await rival.query(`begin; insert into audit.schemas (id, type, text) values (7, 'JSON', '{}')`)
  const kept = keepSchema(world.pool, schema)
  await waitFor('the second to wait for the first', async () => {
    const { rowCount } = await world.pool.query(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    )
    return rowCount === 1
  })
  await rival.query('commit')
  await kept
  expect((await world.pool.query('select id from audit.schemas')).rows).toEqual([{ id: 7 }])
})

describe('an emptied table', () => {
  test('stops the partition behind what lies before it; an operator lets it pass, and it is skipped', async () => {
    const world = await aCustomersWorld()
    await world.produce([insert(1), truncated(), insert(2), truncated(), insert(3)])
    expect(await world.runOnce()).toMatchObject({ status: 'succeeded', loaded: 1, stopped: 1 })
    expect(await world.watermarks()).toMatchObject(stoppedAt(1))
    // Nothing of it is loaded by trying again.
    expect(await world.runOnce()).toMatchObject({ consumed: 0, stopped: 1 })

    await goOn(world)
    // The second one is an event of its own.
    expect(await world.runOnce()).toMatchObject({ loaded: 1, skipped: 1, stopped: 1 })
    expect(await world.watermarks()).toMatchObject(stoppedAt(3))
    await goOn(world)
    expect(await world.runOnce()).toMatchObject({ loaded: 1, skipped: 1, stopped: 0 })
    expect(await namesOf(world)).toEqual(['name 1', 'name 2', 'name 3'])
    expect(await proof(world)).toMatchObject({ balanced: true, failed: [], everyRecord: { skipped: 2 } })
  })

  test('as the first record of a batch loads nothing', async () => {
    const world = await aCustomersWorld()
    await world.produce([truncated(), insert(1)])
    expect(await world.runOnce()).toMatchObject({ status: 'succeeded', batches: 0, stopped: 1 })
    expect(await world.ledger()).toEqual([])
  })
})

test('another source than before stops the partition, and is taken when an operator lets it go on', async () => {
  const world = await aCustomersWorld()
  const fromCopy = (id: number) => insert(id, `copy ${id}`, { name: 'copy' })
  await world.produce([insert(1)])
  await world.runOnce()
  await world.produce([insert(2), heartbeat(), fromCopy(3), fromCopy(4)])
  expect(await world.runOnce()).toMatchObject({ loaded: 1, skipped: 1, stopped: 1 })
  expect(await world.watermarks()).toMatchObject([
    {
      next_offset: 3,
      stop_code: 'another_writer',
      stop_reason: 'the record at offset 3 is of the source "copy", those before it are of "shop"',
    },
  ])
  await goOn(world)
  expect(await world.runOnce()).toMatchObject({ loaded: 2, stopped: 0 })
  await world.produce([insert(5)])
  expect(await world.runOnce()).toMatchObject({ stopped: 1 })
  expect(await proof(world)).toMatchObject({ balanced: true, failed: [] })
})

test('a dead letter that is sent again as a change event is loaded, and a replay reads rows through the envelope', async () => {
  const world = await aCustomersWorld()
  await world.produce([change('c', { after: { id: 1 } }, now), heartbeat()])
  await world.runOnce()
  const [letter] = await world.deadLetters()
  const value = Buffer.from(JSON.stringify(insert(1, 'mended')))
  expect((await redrive(world, { ids: [letter!.id] }, { value })).run).toMatchObject({ loaded: 1 })
  expect(await namesOf(world)).toEqual(['mended'])
  await aReplayer(world, { stream })
  const { result } = await settled(world, await ask(world), 'succeeded')
  expect(result).toMatchObject({ records: 3, facts: 1, changed: 0, otherValues: 0 })
  expect(await proof(world)).toMatchObject({ balanced: true, failed: [] })
})

test('a batch with skipped records that Postgres refuses one of is halved, and nothing is counted twice', async () => {
  const world = await aCustomersWorld()
  await world.pool.query(`alter table warehouse.customers add constraint no_eve check (name <> 'Eve')`)
  await world.produce([
    insert(1),
    heartbeat(),
    insert(2, 'Eve'),
    null,
    heartbeat(),
    insert(3),
    truncated(),
    insert(4),
  ])
  expect(await world.runOnce({ deadLetterMaxRatio: 1 })).toMatchObject({
    status: 'succeeded',
    consumed: 6,
    loaded: 2,
    skipped: 3,
    deadLettered: 1,
    stopped: 1,
  })
  expect(await world.deadLetters()).toMatchObject([{ offset: 2, code: 'rejected_by_warehouse' }])
  expect(await proof(world)).toMatchObject({ balanced: true, failed: [] })
})

const attributes = (id: string, type = 'com.example.order') => ({
  specversion: '1.0',
  id,
  type,
  source: '/shop',
  time: new Date().toISOString(),
})
const headersOf = (of: object) =>
  Object.fromEntries(Object.entries(of).map(([name, said]) => [`ce_${name}`, String(said)]))
const json = (of: unknown) => Buffer.from(JSON.stringify(of))

test('cloud events are loaded in both modes', async () => {
  const declared = defineStream('orders', {
    title: 'order',
    topic: { key: 'order_id' },
    envelope: { cloudevents: { types: ['com.example.order'] } },
    fields: {
      order_id: text(40),
      event_id: text(40, { at: envelope('id') }),
      ordered_at: instant({ at: envelope('time') }),
    },
    eventTime: 'ordered_at',
    partitionBy: 'month',
    identity: { once: 'event_id', scope: 'event_time' },
  })
  const world = await aWorld({ stream: declared, partitions: 1 })
  await world.produceRecords([
    { key: 'a', partition: 0, value: json({ order_id: 'a' }), headers: headersOf(attributes('1')) },
    { key: 'b', partition: 0, value: json({ ...attributes('2'), data: { order_id: 'b' } }) },
    { key: 'c', partition: 0, value: json({ ...attributes('3', 'other'), data: {} }) },
  ])
  expect(await world.runOnce()).toMatchObject({ loaded: 2, skipped: 1 })
  const options = {
    pool: world.pool,
    stream: compile(declared),
    kafka: world.kafka,
    topic: world.topic,
    deep: true,
  }
  expect(await reconcile(options)).toMatchObject({ balanced: true, everyRecord: { facts: 2, skipped: 1 } })
})
