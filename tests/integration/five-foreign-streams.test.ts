import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { connectProducer, type OutgoingRecord } from '../../etl/kafka/producer.ts'
import type { Definition } from '../../etl/stream/definition.ts'
import { createRandom } from '../../producer/random.ts'
import { framed, inAvro } from '../support/avro.ts'
import { heartbeat } from '../support/debezium.ts'
import { consumed } from '../support/fault-backlog.ts'
import { aRegistry, type Registry } from '../support/registry.ts'
import { catalogue } from '../support/streams/catalogue.ts'
import { clicks } from '../support/streams/clicks.ts'
import { orders } from '../support/streams/orders.ts'
import { payments } from '../support/streams/payments.ts'
import { readings } from '../support/streams/readings.ts'
import { waitFor } from '../support/wait-for.ts'
import { aWorld } from '../support/world.ts'

/**
 * Five topics as other people have them, in one folder with migrations of their own, loaded by one worker beside the other:
 * with garbage, repeated records and a worker that is killed.
 */

/** A million before a release; what it takes of the disk is measured then. */
const CLICKS = Number(process.env['FOREIGN_CLICKS'] ?? 4_000)
const MOST_BYTES_A_CLICK = 200
const MEASURED_FROM = 100_000

let registry: Registry | string = 'not started'
beforeAll(async () => {
  registry = await aRegistry()
}, 180_000)
afterAll(() => (typeof registry === 'string' ? undefined : registry.end()))

const random = createRandom(20261201)
const now = Date.now()
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))
/** How many of a stream's records no contract takes. */
const GARBAGE = ['{', '[]', '{"order":7}', 'x'.repeat(100)]
const garbage = (): OutgoingRecord[] => GARBAGE.map((text) => ({ key: 'k', value: Buffer.from(text) }))
/** Each tenth one again. */
const repeated = (records: readonly OutgoingRecord[]): OutgoingRecord[] =>
  records.flatMap((record, i) => (i % 10 === 0 ? [record, record] : [record]))

interface Sent {
  readonly stream: Definition
  readonly records: readonly OutgoingRecord[]
  readonly deadLetters: number
  /** What a statement must give in the end. */
  readonly gives: readonly (readonly [sql: string, rows: readonly unknown[]])[]
}

function someOrders(): Sent {
  const statuses = ['placed', 'paid', 'shipped']
  const all = Array.from({ length: 300 }, (_, i) => {
    const versions = random.between(1, 3)
    return Array.from({ length: versions }, (_of, version) => {
      const lines = Array.from({ length: version + 1 }, (_line, line) => ({
        sku: `s-${line}`,
        quantity: line + 1,
        price: '9.90',
      }))
      const total = (lines.reduce((sum, { quantity }) => sum + quantity * 990, 0) / 100).toFixed(2)
      const order = {
        number: `o-${i}`,
        status: statuses[version],
        changedAt: now + i * 10 + version,
        total: { amount: total, currency: 'EUR' },
      }
      return { key: `o-${i}`, value: json({ order, customer: i % 3 === 0 ? null : { id: `c-${i}` }, lines }) }
    })
  })
  const newest = Map.groupBy(all, (versions) => versions.length)
  // Late old versions: every second order's come in the wrong order.
  const records = all.flatMap((versions, i) => (i % 2 === 0 ? versions.toReversed() : versions))
  const bad = {
    key: 'o-1',
    value: json({
      order: { number: 'o-1', status: 'paid', changedAt: now, total: { amount: '1.999', currency: 'EUR' } },
      lines: [],
    }),
  }
  return {
    stream: orders,
    records: [...repeated(records), ...garbage(), bad],
    deadLetters: GARBAGE.length + 1,
    gives: [
      [
        `select status, count(*)::int as orders, sum(lines)::int as lines from warehouse.orders_live group by 1 order by 2, 1`,
        statuses
          .map((status, i) => ({
            status,
            orders: newest.get(i + 1)!.length,
            lines: newest.get(i + 1)!.length * (i + 1),
          }))
          .toSorted((a, b) => a.orders - b.orders || (a.status < b.status ? -1 : 1)),
      ],
      [
        `select count(*)::int as wrong from warehouse.orders_live o
         where total <> (select sum(quantity * price) from warehouse.orders_lines_live l where l.number = o.number)`,
        [{ wrong: 0 }],
      ],
    ],
  }
}

function aCatalogue(): Sent {
  const records: OutgoingRecord[] = []
  const there = new Map<string, string>()
  for (let i = 0; i < 800; i++) {
    const sku = `a-${random.between(1, 120)}`
    if (random.chance(0.15)) {
      records.push({ key: sku, value: null })
      there.delete(sku)
    } else {
      const price = (random.between(1, 100_00) / 100).toFixed(2)
      records.push({
        key: sku,
        value: json({ name: `Article ${i}`, price: Number(price), at: new Date(now + i).toISOString() }),
      })
      there.set(sku, price)
    }
  }
  const rows = [...there].map(([sku, price]) => ({ sku, price })).toSorted((a, b) => (a.sku < b.sku ? -1 : 1))
  return {
    stream: catalogue,
    records: [...records, ...garbage()],
    deadLetters: GARBAGE.length,
    gives: [[`select sku, price from warehouse.catalogue_live order by sku collate "C"`, rows]],
  }
}

function someClicks(): Sent {
  const kinds = ['view', 'cart', 'buy']
  const records = Array.from({ length: CLICKS }, (_, i) => {
    const at = (now - (i % 20) * 86_400_000) * 1_000 + i
    const click = {
      click_id: randomUUID(),
      at,
      session: `s-${i % 500}`,
      kind: kinds[i % 3],
      page: i % 2 === 0 ? `/p/${i % 90}` : null,
    }
    return { key: click.session, value: json(click) }
  })
  return {
    stream: clicks,
    records: [...repeated(records), ...garbage()],
    deadLetters: GARBAGE.length,
    gives: [
      [
        'select count(*)::int as clicks, count(page)::int as pages from warehouse.clicks',
        [{ clicks: CLICKS, pages: Math.ceil(CLICKS / 2) }],
      ],
      ['select sum(clicks)::int as clicks from warehouse.clicks_by_hour', [{ clicks: CLICKS }]],
    ],
  }
}

const change = (op: string, lsn: number, id: number, [currency, amount]: readonly [string, string]) => {
  const source = { name: 'bank', lsn, ts_ms: now + lsn }
  const row = `{"id":${id},"currency":"${currency}","amount":${amount}}`
  const [before, after] = op === 'd' ? [row, 'null'] : ['null', row]
  const text = `{"op":"${op}","ts_ms":${now},"source":${JSON.stringify(source)},"before":${before},"after":${after}}`
  return { key: String(id), value: Buffer.from(text) }
}

function somePayments(): Sent {
  const amounts = { KWD: '12.345', JPY: '1200', EUR: '-9.99' }
  const kinds = Object.entries(amounts)
  const records = Array.from({ length: 300 }, (_, id) => {
    const of = kinds[id % 3]!
    return [
      change('c', id * 10 + 1, id, of),
      ...(id % 5 === 0 ? [change('u', id * 10 + 3, id, of), change('u', id * 10 + 2, id, of)] : []),
      ...(id % 10 === 0 ? [change('d', id * 10 + 4, id, of), { key: String(id), value: null }] : []),
    ]
  }).flat()
  const unavailable = change('u', 9_999, 1, ['EUR', '"__debezium_unavailable_value"'])
  return {
    stream: payments,
    // The connector's heartbeats are no row and no fault.
    records: [...repeated(records), { key: 'beat', value: json(heartbeat()) }, unavailable, ...garbage()],
    deadLetters: GARBAGE.length + 1,
    gives: [
      [
        'select currency, count(*)::int as payments, min(amount) as amount from warehouse.payments_live group by 1 order by 1',
        [
          { currency: 'EUR', payments: 90, amount: '-9.9900' },
          { currency: 'JPY', payments: 90, amount: '1200.0000' },
          { currency: 'KWD', payments: 90, amount: '12.3450' },
        ],
      ],
      ['select count(*)::int as gone from warehouse.payments where deleted_at is not null', [{ gone: 30 }]],
    ],
  }
}

const schemaOf = (...more: object[]) => ({
  type: 'record',
  name: 'Reading',
  fields: [
    { name: 'meter', type: 'string' },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'value', type: { type: 'bytes', logicalType: 'decimal', precision: 12, scale: 2 } },
    ...more,
  ],
})

/** Of the registry's schemas: the first, then the one that grew. */
async function someReadings(at: Registry): Promise<Sent> {
  const grown = schemaOf({ name: 'unit', type: 'string', default: 'kWh' })
  const subject = `readings-${randomUUID()}`
  const first = await at.register(subject, { schema: JSON.stringify(schemaOf()) })
  const second = await at.register(subject, { schema: JSON.stringify(grown) })
  const records = Array.from({ length: 400 }, (_, i) => {
    const reading = { meter: `m-${i % 40}`, at: now - i * 1_000, value: Buffer.from([0x04, 0xe2]) }
    const value =
      i < 200
        ? framed(first, inAvro(schemaOf(), reading))
        : framed(second, inAvro(grown, { ...reading, unit: 'm3' }))
    return { key: reading.meter, value }
  })
  return {
    stream: readings,
    records: [...repeated(records), ...garbage()],
    deadLetters: GARBAGE.length,
    gives: [
      [
        'select unit, count(*)::int as readings, min(value) as value from warehouse.readings group by 1 order by 1',
        [
          { unit: 'kWh', readings: 200, value: '12.50' },
          { unit: 'm3', readings: 200, value: '12.50' },
        ],
      ],
    ],
  }
}

interface Report {
  readonly stream: string
  readonly balanced: boolean
  readonly totals: { readonly consumed: number; readonly deadLettered: number }
}

test(
  'orders, a catalogue, clicks, Debezium rows and Avro readings are loaded side by side, each as it counts',
  { timeout: CLICKS > MEASURED_FROM ? 1_800_000 : 180_000 },
  async ({ skip }) => {
    skip(typeof registry === 'string', typeof registry === 'string' ? registry : '')
    const sent = [
      someOrders(),
      aCatalogue(),
      someClicks(),
      somePayments(),
      await someReadings(registry as Registry),
    ]
    const [first, ...others] = sent.map(({ stream }) => stream)
    const world = await aWorld({
      stream: first!,
      others,
      env: {
        SCHEMA_REGISTRY_URL: (registry as Registry).url,
        BATCH_SIZE: CLICKS > MEASURED_FROM ? '5000' : '200',
      },
    })
    const producer = await connectProducer(world.kafka)
    onTestFinished(() => producer.disconnect())
    for (const { stream, records } of sent)
      for (let from = 0; from < records.length; from += 2_000)
        await producer.send(
          stream === first ? world.topic : world.topicOf(stream),
          records.slice(from, from + 2_000),
        )

    const total = sent.reduce((sum, { records }) => sum + records.length, 0)
    const killed = world.startEtl()
    await waitFor('some of it to be loaded', async () => (await consumed(world)) > total / 5, {
      limitMs: 120_000,
    })
    killed.kill('SIGKILL')
    world.startEtl()
    await waitFor('all of it to be loaded', async () => (await consumed(world)) === total, {
      limitMs: CLICKS > MEASURED_FROM ? 1_200_000 : 90_000,
    })

    const pulse = world.startProgram('scripts/pulse.ts', ['reconcile', '--deep', '--json'])
    expect({ code: await pulse.exited, output: pulse.output() }).toMatchObject({ code: 0 })
    const reports = JSON.parse(pulse.output()) as Report[]
    expect(
      reports.map(({ stream, balanced, totals }) => ({
        stream,
        balanced,
        consumed: totals.consumed,
        deadLettered: totals.deadLettered,
      })),
    ).toEqual(
      sent.map(({ stream, records, deadLetters }) => ({
        stream: stream.name,
        balanced: true,
        consumed: records.length,
        deadLettered: deadLetters,
      })),
    )
    for (const { gives } of sent)
      for (const [sql, rows] of gives)
        expect((await world.pool.query<Record<string, unknown>>(sql)).rows).toEqual(rows)
    const { rows: codes } = await world.pool.query(
      `select count(*)::int as n from audit.dead_letters where code = 'incomplete_row' and issues::text like '%REPLICA IDENTITY FULL%'`,
    )
    expect(codes).toEqual([{ n: 1 }])

    const { rows: sizes } = await world.pool.query<{ bytes: number }>(
      `select sum(pg_total_relation_size(inhrelid))::float / ${CLICKS} as bytes from pg_inherits where inhparent = 'warehouse.clicks'::regclass`,
    )
    if (CLICKS > MEASURED_FROM)
      process.stdout.write(`${CLICKS} clicks: ${sizes[0]!.bytes.toFixed(1)} bytes each\n`)
    // Of a few most is empty pages.
    expect(sizes[0]!.bytes).toBeLessThan(CLICKS > MEASURED_FROM ? MOST_BYTES_A_CLICK : 10_000)
  },
)
