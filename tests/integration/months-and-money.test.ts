import { expect, test } from 'vitest'
import { compile } from '../../etl/stream/compile.ts'
import { transactions } from '../../streams/transactions/transactions.ts'
import { aLiveMessage, aWorld, type World } from '../support/world.ts'

const DAY_MS = 86_400_000
const daysAgo = (days: number) => new Date(Date.now() - days * DAY_MS).toISOString()

async function partitions(world: World): Promise<string[]> {
  const { rows } = await world.pool.query<{ name: string }>(
    `select inhrelid::regclass::text as name from pg_inherits
     where inhparent = 'warehouse.transactions'::regclass order by 1`,
  )
  return rows.map(({ name }) => name)
}

test('a fact of 1,000 days ago gets the partition of its month', async () => {
  const world = await aWorld({ partitions: 1 })
  const at = daysAgo(1_000)
  await world.produce([aLiveMessage({ timestamp: at })])
  expect(await world.runOnce()).toMatchObject({ loaded: 1, deadLettered: 0 })
  const { rows } = await world.pool.query('select tableoid::regclass::text as table from transactions')
  expect(rows).toEqual([{ table: `transactions_${at.slice(0, 7).replace('-', '_')}` }])
})

test('40 months in one batch are loaded, over and over', async () => {
  const world = await aWorld({ partitions: 1 })
  const months = Array.from({ length: 40 }, (_, i) => aLiveMessage({ timestamp: daysAgo(i * 31 + 1) }))
  for (let i = 0; i < 2; i++) {
    await world.produce(months.map((message) => ({ ...message, order_id: crypto.randomUUID() })))
    expect(await world.runOnce({ maxAgeDays: 1_300 })).toMatchObject({ status: 'succeeded', loaded: 40 })
  }
  const needed = new Set(months.map(({ timestamp }) => String(timestamp).slice(0, 7).replace('-', '_')))
  expect(await partitions(world)).toEqual([...needed].sort().map((month) => `transactions_${month}`))
  await world.assertBalanced()
})

test('the last and the first microsecond of a month are in their own partitions', async () => {
  const world = await aWorld({ partitions: 1 })
  const first = new Date(Date.UTC(new Date().getUTCFullYear() - 1, 5, 1)).toISOString().slice(0, 10)
  const last = `${first.slice(0, 5)}05-31`
  const times = [`${last}T23:59:59.999999Z`, `${first}T00:00:00.000000Z`]
  await world.produce(times.map((timestamp) => aLiveMessage({ timestamp })))
  await world.runOnce()
  const { rows } = await world.pool.query<{ table: string }>(
    'select tableoid::regclass::text as table from transactions order by transaction_timestamp',
  )
  expect(rows.map((row) => row.table.slice(-2))).toEqual(['05', '06'])
  expect((await world.facts()).map(({ at }) => at)).toEqual(times)
})

test('a partition that was dropped for its age is made again when a late order needs it', async () => {
  const world = await aWorld({ partitions: 1 })
  const at = daysAgo(400)
  await world.produce([aLiveMessage({ timestamp: at })])
  const worker = await world.openWorker()
  await worker.runOnce()
  await world.pool.query(`drop table warehouse.${(await partitions(world))[0]!.split('.').at(-1)}`)
  await worker.close()
  await world.produce([aLiveMessage({ timestamp: at })])
  expect(await world.runOnce()).toMatchObject({ status: 'succeeded', loaded: 1 })
})

const TAXES = [
  { rate: '0.085', amount: 0.01, tax: '0.00', total: '0.01' },
  { rate: '0.085', amount: 0.06, tax: '0.01', total: '0.07' }, // 0.0051
  { rate: '0.085', amount: 1, tax: '0.09', total: '1.09' }, // 0.085: half up
  { rate: '0.085', amount: 100, tax: '8.50', total: '108.50' },
  { rate: '0.085', amount: 1_000.01, tax: '85.00', total: '1085.01' },
  { rate: '0.085', amount: 9_999_999_999.99, tax: '850000000.00', total: '10849999999.99' },
  { rate: '1', amount: 9_999_999_999.99, tax: '9999999999.99', total: '19999999999.98' },
  { rate: '0', amount: 9_999_999_999.99, tax: '0.00', total: '9999999999.99' },
  { rate: '0.07125', amount: 19.99, tax: '1.42', total: '21.41' }, // 1.4242875
]

test('amount, tax and total are stored to the cent, up to the largest amount', async () => {
  const world = await aWorld({ partitions: 1 })
  for (const { rate, amount } of TAXES) {
    await world.produce([aLiveMessage({ amount })])
    await world.runOnce({ stream: compile(transactions, { TAX_RATE: rate }) })
  }
  const facts = await world.facts()
  expect(facts.map((fact) => [fact.amount, fact.tax_amount, fact.total_amount])).toEqual(
    TAXES.map(({ amount, tax, total }) => [amount.toFixed(2), tax, total]),
  )
  await world.assertBalanced()
})

test('a minute of more money than a double holds to the cent is exact in the rollup', async () => {
  const world = await aWorld({ partitions: 1, env: { BATCH_SIZE: '100000', BATCH_BYTES: '67108864' } })
  const timestamp = new Date().toISOString()
  const records = 9_100
  for (let sent = 0; sent < records; sent += 1_300) {
    await world.produce(
      Array.from({ length: 1_300 }, () => aLiveMessage({ amount: 9_999_999_999.99, timestamp })),
    )
  }
  expect(await world.runOnce()).toMatchObject({ batches: 1, loaded: records })
  const { rows } = await world.pool.query('select amount from sales_by_minute')
  expect(rows).toEqual([{ amount: '90999999999909.00' }])
  await world.assertBalanced()
})
