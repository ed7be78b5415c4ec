import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Pool } from 'pg'
import { expect, inject, onTestFinished, test } from 'vitest'
import { ensureTopics, withAdmin } from '../../etl/kafka/topics.ts'
import { readConfig } from '../../etl/process/config.ts'
import { topicSpecs } from '../../scripts/topics.ts'
import { createDatabase } from '../support/database.ts'
import { waitFor } from '../support/wait-for.ts'
import { aWorld } from '../support/world.ts'

/** Somebody else's platform: a folder outside of this source tree, and the programs as they are. */

const checkout = new URL('../../', import.meta.url).pathname
const LIMIT_MS = 120_000

/** Every file of the source tree with its size and time, but for what is installed. */
function filesOfCheckout(folder = checkout): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return ['node_modules', '.git'].includes(entry.name) ? [] : filesOfCheckout(path)
    const { size, mtimeMs } = statSync(path)
    return [`${path} ${size} ${mtimeMs}`]
  })
}

/** An empty folder, an empty warehouse, no topics; and the project's programs run on them. */
async function aPlatform() {
  const world = await aWorld({ withoutTopics: true })
  const database = await createDatabase(inject('databaseUrl'))
  onTestFinished(() => database.drop())
  const pool = new Pool({ connectionString: database.url, max: 2 })
  pool.on('error', () => undefined) // the database is dropped under it
  onTestFinished(() => pool.end())
  const root = mkdtempSync(join(tmpdir(), 'pulse-own-'))
  onTestFinished(() => rmSync(root, { recursive: true }))
  const streams = join(root, 'streams')
  const start = (script: string, ...args: string[]) =>
    world.startProgram(script, args, {
      STREAMS_DIR: streams,
      STREAMS: '',
      PRODUCER_STREAMS: '',
      DATABASE_URL: database.url,
    })
  return {
    world,
    pool,
    streams,
    root,
    start,
    /** What a program says, that must end well. */
    run: async (script: string, ...args: string[]): Promise<string> => {
      const child = start(script, ...args)
      const code = await child.exited
      if (code !== 0) throw new Error(`${script} ended with ${code}:\n${child.output()}`)
      return child.output()
    },
    drained: () =>
      waitFor(
        'everything to be loaded',
        async () => {
          const { rows } = await pool.query<{ partition: number; end: string }>(
            'select partition, next_offset as end from audit.partition_progress',
          )
          const marks = new Map(rows.map(({ partition, end }) => [partition, Number(end)]))
          return (await world.bounds()).every(({ partition, end }) => marks.get(partition) === end)
        },
        { limitMs: LIMIT_MS },
      ),
  }
}

const aSale = (i: number) => ({
  id: `sale-${i}`,
  soldAt: new Date(Date.now() - i * 60_000).toISOString(),
  till: { shop: ['north', 'south'][i % 2], number: i % 3 },
  total: (i + 1) / 4,
  currency: 'EUR',
  from: 'a customer',
  ...(i % 5 > 0 && { note: 'paid in cash' }),
})
const SALES = Array.from({ length: 60 }, (_, i) => aSale(i))

test(
  'a sample of messages becomes rows that reconcile, with nothing of the source tree touched',
  { timeout: 2 * LIMIT_MS },
  async () => {
    const before = filesOfCheckout()
    const platform = await aPlatform()
    const { run, root, streams, world, pool } = platform
    const sample = join(root, 'sales.ndjson')
    writeFileSync(sample, SALES.map((sale) => JSON.stringify(sale)).join('\n'))

    expect(await run('scripts/new-stream.ts', 'till_sales', '--sample', sample)).toContain(
      '60 records of ' + sample,
    )
    expect(await run('scripts/generate-migration.ts', '--name', 'till_sales')).toBe(
      ['migrations/0000_till_sales.sql', 'contracts/till_sales.json', 'docs/streams/till_sales.md']
        .map((file) => `Written: ${streams}/${file}\n`)
        .join(''),
    )
    expect(await run('scripts/check-streams.ts')).toBe(
      'Declared: till_sales\ntypes: in order\nmigrations: they make what is declared\n',
    )
    await run('scripts/topics.ts')
    expect(await run('scripts/migrate.ts')).toContain('streams/0000_till_sales')
    await world.produceRecords(
      [...SALES, SALES[0]!, '{'].map((sale) => ({
        key: 'north',
        value: Buffer.from(typeof sale === 'string' ? sale : JSON.stringify(sale)),
      })),
    )
    const etl = platform.start('etl/main.ts')
    await platform.drained()
    await etl.stop()

    const { rows } = await pool.query<Record<string, unknown>>(
      `select till_sale_id, sold_at, till_shop, till_number, total, currency, till_sale_from, note
       from warehouse.till_sales order by sold_at desc limit 2`,
    )
    expect(rows).toEqual(
      SALES.slice(0, 2).map(({ id, soldAt, till, total, note }) => ({
        till_sale_id: id,
        sold_at: new Date(soldAt),
        till_shop: till.shop,
        till_number: till.number,
        total: total.toFixed(2),
        currency: 'EUR',
        till_sale_from: 'a customer',
        note: note ?? null,
      })),
    )
    const proof = await run('scripts/pulse.ts', 'reconcile', '--deep')
    expect(proof).toContain('Balanced: 62 consumed = 60 loaded + 1 duplicate + 1 dead-lettered')

    // A field more, later: a line and a migration.
    const declaration = join(streams, 'till_sales/till_sales.ts')
    const text = readFileSync(declaration, 'utf8')
    writeFileSync(
      declaration,
      text.replace('  fields: {\n', "  fields: {\n    channel: text(20).default('till'),\n"),
    )
    const check = platform.start('scripts/check-streams.ts')
    expect(await check.exited).toBe(1)
    expect(check.output()).toContain('ADD COLUMN "channel" varchar(20)')
    await run('scripts/generate-migration.ts', '--name', 'channel')
    expect(await run('scripts/migrate.ts')).toContain('Applied streams/0001_channel')
    expect(filesOfCheckout()).toEqual(before)
  },
)

test(
  'a topic that is there becomes a stream, with the key that its records have',
  { timeout: 2 * LIMIT_MS },
  async () => {
    const platform = await aPlatform()
    const { run, world, streams } = platform
    const specs = topicSpecs(readConfig(['kafka', 'topics'], world.env))
    await withAdmin(world.kafka, (admin) => ensureTopics(admin, specs))
    const records = SALES.map((sale) => ({ key: sale.till.shop!, value: Buffer.from(JSON.stringify(sale)) }))
    await world.produceRecords([...records, { key: 'north', value: Buffer.from('no JSON') }])
    const said = await run('scripts/new-stream.ts', 'till_sales', '--topic', world.topic, '--last', '1000')
    expect(said).toContain(`60 records of the topic ${world.topic}`)
    expect(said).toContain('Of 1 other record the value is no JSON object: a dead letter.')
    expect(said).toMatch(/^key +till_shop$/m)
    expect(readFileSync(join(streams, 'till_sales/till_sales.ts'), 'utf8')).toContain("key: 'till_shop'")
    await run('scripts/generate-migration.ts', '--name', 'till_sales')
    await run('scripts/migrate.ts')
    const etl = platform.start('etl/main.ts')
    await platform.drained()
    await etl.stop()
    expect(await run('scripts/pulse.ts', 'reconcile')).toContain('Balanced: 61 consumed = 60 loaded')

    const missing = platform.start('scripts/new-stream.ts', 'others', '--topic', 'not-there')
    expect(await missing.exited).toBe(1)
    expect(missing.output()).toBe('there is no topic not-there\n')
  },
)
