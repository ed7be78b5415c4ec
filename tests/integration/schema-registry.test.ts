import protobuf from 'protobufjs'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { Patience } from '../../etl/job/learn-schemas.ts'
import { openRegistry } from '../../etl/job/schema-registry.ts'
import { lastRecords } from '../../etl/kafka/last-records.ts'
import { reconcile } from '../../etl/reconcile/reconcile.ts'
import { compile } from '../../etl/stream/compile.ts'
import { defineStream } from '../../etl/stream/define.ts'
import type { Definition } from '../../etl/stream/definition.ts'
import { decimal, instant, int, text } from '../../etl/stream/words.ts'
import { learnFrom, tryRecords } from '../../scripts/pulse/streams/trial.ts'
import { framed, inAvro } from '../support/avro.ts'
import { aRegistry, type Registry } from '../support/registry.ts'
import { ask, settled, aReplayer } from '../support/replayer.ts'
import { waitFor } from '../support/wait-for.ts'
import { aWorld, type World } from '../support/world.ts'

/** Values that name a schema, with a real registry, a real Kafka and a real warehouse. */

const started: { registry: Registry | string } = { registry: 'not started' }
beforeAll(async () => {
  started.registry = await aRegistry()
}, 180_000)
afterAll(() => (typeof started.registry === 'string' ? undefined : started.registry.end()))
beforeEach(({ skip }) => {
  if (typeof started.registry === 'string') skip(started.registry)
})
const theRegistry = () => started.registry as Registry

const sales = defineStream('sales', {
  title: 'sale',
  topic: { key: 'sale_id' },
  envelope: 'registry',
  fields: {
    sale_id: text(40),
    amount: decimal({ digits: 10, scale: 2 }),
    at: instant({ epoch: 'ms', column: 'sold_at' }),
    quantity: int().default(1),
    note: text(40).optional(),
  },
  eventTime: 'at',
  partitionBy: 'month',
  identity: { once: 'sale_id', scope: 'event_time' },
})

const FIELDS: readonly object[] = [
  { name: 'sale_id', type: 'string' },
  { name: 'amount', type: { type: 'bytes', logicalType: 'decimal', precision: 10, scale: 2 } },
  { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
]
const avroOf = (...more: object[]) => ({
  type: 'record',
  name: 'Sale',
  namespace: 'shop',
  fields: [...FIELDS, ...more],
})
const WITH_NOTE = avroOf(
  { name: 'note', type: ['null', 'string'], default: null },
  { name: 'quantity', type: 'long', default: 1 },
)
const aSale = (sale_id: string, more: object = {}) => ({
  sale_id,
  amount: Buffer.from([0x04, 0xe2]),
  at: Date.now(),
  ...more,
})

const aSalesWorld = (declared: Definition = sales) =>
  aWorld({ stream: declared, partitions: 1, env: { SCHEMA_REGISTRY_URL: theRegistry().url } })

const send = (world: World, id: number, ...bodies: Buffer[]) =>
  world.produce(bodies.map((body) => framed(id, body)))

/** With a fresh stream, as another process has it: what it knows of schemas it has read in the warehouse. */
async function proof(world: World, declared: Definition = sales) {
  const options = {
    pool: world.pool,
    stream: compile(declared),
    kafka: world.kafka,
    topic: world.topic,
    deep: true,
  }
  const { checks, ...report } = await reconcile(options)
  return { ...report, failed: checks.filter(({ findings }) => findings.length > 0) }
}

async function salesOf(world: World) {
  const { rows } = await world.pool.query(
    'select sale_id, amount, quantity, note from warehouse.sales order by source_offset',
  )
  return rows as unknown[]
}

test('a schema that grows while it runs: each value is read by the one that it was written with', async () => {
  const world = await aSalesWorld()
  const first = await theRegistry().register(world.topic, { schema: JSON.stringify(avroOf()) })
  await send(world, first, inAvro(avroOf(), aSale('a')))
  expect(await world.runOnce()).toMatchObject({ status: 'succeeded', loaded: 1 })
  const second = await theRegistry().register(world.topic, { schema: JSON.stringify(WITH_NOTE) })
  expect(second).not.toBe(first)
  await send(world, second, inAvro(WITH_NOTE, aSale('b', { note: 'new', quantity: 2 })))
  await send(world, first, inAvro(avroOf(), aSale('c')))
  expect(await world.runOnce()).toMatchObject({ status: 'succeeded', loaded: 2 })
  expect(await salesOf(world)).toEqual([
    { sale_id: 'a', amount: '12.50', quantity: 1, note: null },
    { sale_id: 'b', amount: '12.50', quantity: 2, note: 'new' },
    { sale_id: 'c', amount: '12.50', quantity: 1, note: null },
  ])
  const { rows } = await world.pool.query('select id, type from audit.schemas order by id')
  expect(rows).toEqual([first, second].sort((a, b) => a - b).map((id) => ({ id, type: 'AVRO' })))
  expect(await proof(world)).toMatchObject({ balanced: true, failed: [], everyRecord: { facts: 3 } })

  await aReplayer(world, { stream: compile(sales) })
  const { result } = await settled(world, await ask(world), 'succeeded')
  expect(result).toMatchObject({ records: 3, facts: 3, notValid: 0, otherValues: 0 })
})

test('records are tried by what the registry says, without a warehouse', async () => {
  const world = await aSalesWorld()
  const id = await theRegistry().register(world.topic, { schema: JSON.stringify(avroOf()) })
  await send(world, id, inAvro(avroOf(), aSale('a')), inAvro(avroOf(), aSale('b')))
  await world.produce([framed(999_999, Buffer.from('x'))])
  const attempt = (url: string) => {
    const stream = compile(sales)
    const learn = learnFrom(openRegistry({ SCHEMA_REGISTRY_URL: url }, { retryAfterMs: 1 }), stream)
    return tryRecords({ stream, maxAgeDays: 400 }, lastRecords(world.kafka, world.topic, 100), learn)
  }
  expect(await attempt(theRegistry().url)).toMatchObject({
    records: 3,
    valid: 2,
    groups: [{ failure: 'unknown_schema', count: 1, example: { offset: 2 } }],
    alwaysNull: ['note'],
  })
  await expect(attempt('http://127.0.0.1:1')).rejects.toThrow(
    'the schema registry http://127.0.0.1:1 is out of reach',
  )
  expect((await world.pool.query('select from audit.schemas')).rowCount).toBe(0)
})

test('a rebuild needs no registry', async () => {
  const world = await aSalesWorld()
  const id = await theRegistry().register(world.topic, { schema: JSON.stringify(avroOf()) })
  await send(world, id, inAvro(avroOf(), aSale('a')), inAvro(avroOf(), aSale('b')))
  await world.runOnce()
  // The watermark back at the beginning, in a process that has met no schema, without the registry's address.
  await world.pool.query(
    `update audit.partition_progress set incarnation = 2, next_offset = 0, first_offset = 0, last_offset = null`,
  )
  const without = { stream: compile(sales), registry: openRegistry({}) }
  expect(await world.runOnce(without)).toMatchObject({ status: 'succeeded', duplicate: 2, deadLettered: 0 })
})

test('JSON Schema and Protobuf, with a schema that refers to another', async () => {
  const world = await aSalesWorld()
  const json = await theRegistry().register(`${world.topic}-json`, {
    schema: JSON.stringify({ $schema: 'http://json-schema.org/draft-07/schema#', type: 'object' }),
    schemaType: 'JSON',
  })
  const at = Date.now()
  await send(world, json, Buffer.from(JSON.stringify({ sale_id: 'j', amount: '1.25', at })))

  const money = 'syntax = "proto3"; package shop; message Money { string amount = 1; }'
  const sale =
    'syntax = "proto3"; package shop; import "money.proto"; message Sale { string sale_id = 1; Money amount = 2; int64 at = 3; }'
  await theRegistry().register(`${world.topic}-money`, { schema: money, schemaType: 'PROTOBUF' })
  const proto = await theRegistry().register(`${world.topic}-proto`, {
    schema: sale,
    schemaType: 'PROTOBUF',
    references: [{ name: 'money.proto', subject: `${world.topic}-money`, version: 1 }],
  })
  const root = new protobuf.Root()
  protobuf.parse(money, root, { keepCase: true })
  protobuf.parse(sale, root, { keepCase: true })
  const type = root.lookupType('shop.Sale')
  const body = type.encode(type.fromObject({ sale_id: 'p', amount: { amount: '2.50' }, at })).finish()
  await send(world, proto, Buffer.concat([Buffer.from([0]), body]))

  // The amount stands elsewhere in that one: a contract of its own, which the JSON value breaks.
  expect(await world.runOnce({ deadLetterMaxRatio: 1 })).toMatchObject({ loaded: 1, deadLettered: 1 })
  expect(await world.deadLetters()).toMatchObject([
    { code: 'schema_violation', issues: [{ field: 'amount', message: /^amount is an object/ }] },
  ])
  const nested = defineStream('sales', {
    ...sales,
    fields: { ...sales.fields, amount: decimal({ digits: 10, scale: 2, at: 'amount.amount' }) },
  } as never)
  const other = await aSalesWorld(nested)
  await send(other, proto, Buffer.concat([Buffer.from([0]), body]))
  expect(await other.runOnce()).toMatchObject({ loaded: 1 })
  expect(await salesOf(other)).toMatchObject([{ sale_id: 'p', amount: '2.50' }])
  expect(await proof(other, nested)).toMatchObject({ balanced: true, failed: [] })
})

test('a schema that nobody has is waited for, then its records are dead letters, and the others are loaded', async () => {
  const world = await aSalesWorld()
  const id = await theRegistry().register(world.topic, { schema: JSON.stringify(avroOf()) })
  await send(world, id, inAvro(avroOf(), aSale('a')))
  await world.produce([
    framed(999_999, Buffer.from('x')),
    framed(4_294_967_295, Buffer.from('x')),
    '{"no": "frame"}',
  ])
  await send(world, id, inAvro(avroOf(), aSale('b')))
  const begun = performance.now()
  const patience = new Patience(700)
  const settings = { patience, deadLetterMaxRatio: 1 }
  expect(await world.runOnce(settings)).toMatchObject({ status: 'succeeded', loaded: 2, deadLettered: 3 })
  expect(performance.now() - begun).toBeGreaterThan(700)
  expect(await world.deadLetters()).toMatchObject([
    { offset: 1, code: 'unknown_schema', issues: [{ message: /^value names schema 999999, which/ }] },
    { offset: 2, code: 'unknown_schema' },
    { offset: 3, code: 'malformed_value' },
  ])
  expect(await proof(world)).toMatchObject({ balanced: true, failed: [] })
})

test('a schema that is registered while it is waited for is in time', async () => {
  const world = await aSalesWorld()
  // Ids go up one by one.
  const before = await theRegistry().register(`${world.topic}-x`, {
    schema: JSON.stringify(avroOf({ name: 'x', type: 'int' })),
  })
  const id = before + 1
  await send(world, id, inAvro(WITH_NOTE, aSale('late', { note: null, quantity: 1 })))
  const run = world.runOnce()
  const schema = { ...WITH_NOTE, doc: world.topic }
  await waitFor('the schema to be missed', () => world.logs.some(({ msg }) => /no such schema yet/.test(msg)))
  expect(await theRegistry().register(world.topic, { schema: JSON.stringify(schema) })).toBe(id)
  expect(await run).toMatchObject({ status: 'succeeded', loaded: 1, deadLettered: 0 })
})

test('a wait is given up with the run, and goes on in the next one', async () => {
  const world = await aSalesWorld()
  await world.produce([framed(888_888, Buffer.from('x'))])
  expect(await world.runOnce({ budgetMs: 1_000 })).toMatchObject({ status: 'succeeded', consumed: 0 })
  const stop = new AbortController()
  const run = world.runOnce({ signal: stop.signal })
  await waitFor('the wait', () => world.logs.filter(({ msg }) => /no such schema yet/.test(msg)).length > 2)
  stop.abort(new Error('told to stop'))
  expect(await run).toMatchObject({ consumed: 0, deadLettered: 0 })
  expect(await world.deadLetters()).toEqual([])
})

test('a registry that is away blames nobody: the run fails and says so, and what waited is loaded when it is back', async () => {
  const world = await aSalesWorld()
  const { control, url } = theRegistry()
  await control.kill()
  await send(world, 1, inAvro(avroOf(), aSale('a')))
  const registry = openRegistry({ SCHEMA_REGISTRY_URL: url }, { retryAfterMs: 10 })
  expect(await world.runOnce({ registry })).toMatchObject({
    status: 'failed',
    consumed: 0,
    deadLettered: 0,
    error: expect.stringContaining(
      `the schema registry ${url} is out of reach: connect ECONNREFUSED`,
    ) as string,
  })
  expect(await world.watermarks()).toMatchObject([{ next_offset: 0, stop_code: null }])
  await control.start()
  expect(await theRegistry().register(world.topic, { schema: JSON.stringify(avroOf()) })).toBe(1)
  expect(await world.runOnce({ registry })).toMatchObject({ status: 'succeeded', loaded: 1 })
  expect(await proof(world)).toMatchObject({ balanced: true, failed: [] })
}, 180_000)
