import { expect, test } from 'vitest'
import { compile } from '../../../../etl/stream/compile.ts'
import { aWorld } from '../../../../tests/support/world.ts'
import { transactions } from '../../transactions.ts'
import { aLiveMessage } from '../support/a-transaction.ts'

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
  expect(facts.map((fact) => [fact['amount'], fact['tax_amount'], fact['total_amount']])).toEqual(
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
