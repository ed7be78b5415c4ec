import { expect, test } from 'vitest'
import { compileWith } from '../../../../etl/stream/compile.ts'
import { runPulse } from '../../../../tests/support/pulse.ts'
import { aReplayer, replayed } from '../../../../tests/support/replayer.ts'
import { aWorld, type World } from '../../../../tests/support/world.ts'
import { FRAUD_RULES, type FraudRule } from '../../fraud-rules.ts'
import { taxRate } from '../../tax.ts'
import { transactions } from '../../transactions.ts'
import { aLiveMessage } from '../support/a-transaction.ts'

/** Code and settings that are not those of the load: another tax rate, and another rule for fraud. */
const NEW_FRAUD_RULES = [
  ...FRAUD_RULES.map((rule): FraudRule => ({ ...rule, enabled: false })),
  {
    id: 'over-fifty',
    condition: ({ amount }: { amount: number }) => amount > 50_00,
    weight: 30,
    reason: 'over "50", \\',
    enabled: true,
  },
]

const pulse = (world: World, ...args: string[]) => runPulse(world.env, args)

async function aLoadedWorld(): Promise<World> {
  const world = await aWorld({ partitions: 1 })
  const sale = aLiveMessage({ amount: 100 })
  await world.produce([sale, aLiveMessage({ amount: 10 }), sale, '{', aLiveMessage({ amount: 2_000 })])
  await world.runOnce()
  return world
}

test('a worker that was started with another tax rate replays what was loaded by the old one', async () => {
  const world = await aLoadedWorld()
  const etl = world.startEtl({ TAX_RATE: '0.2' })
  await etl.waitForLine('ready')

  const dry = await pulse(world, 'replay', '--all', '--dry-run')
  expect(dry.out).toContain('3 facts would change')
  const { code, out } = await pulse(world, 'replay', '--all', '--yes')

  expect(code).toBe(0)
  expect(out).toContain('3 facts changed')
  expect((await world.facts()).map((fact) => fact['tax_amount'])).toEqual(['20.00', '2.00', '400.00'])
  expect(await pulse(world, 'reconcile', '--deep')).toMatchObject({ code: 0 })
  await world.assertBalanced()
  expect(await etl.stop()).toBe(0)
})

test('only what differs is changed: a fraud rule alone leaves the facts that it says nothing new of', async () => {
  const world = await aWorld({ partitions: 1 })
  await world.produce([60, 40, 2_000, 50, 50.01].map((amount) => aLiveMessage({ amount })))
  await world.runOnce()
  const newRules = compileWith(transactions, { rate: taxRate('0.085'), fraudRules: NEW_FRAUD_RULES })
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
  expect((await world.facts()).map((fact) => fact['is_fraud_flagged'])).toEqual([
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
    stream: compileWith(transactions, { rate: taxRate('0'), fraudRules: NEW_FRAUD_RULES }),
  })
  const { result } = await replayed(world)
  // 8.5 % are 849,999,999.99915, which is 850,000,000.00 for each.
  expect(result).toMatchObject({ tax: { EUR: { before: '255000000000.00', after: '0.00' } } })
  expect(await taxByCurrency(world)).toEqual({ EUR: '0.00' })
  await world.assertBalanced()
})

async function taxByCurrency(world: World): Promise<Record<string, string>> {
  const { rows } = await world.pool.query<{ currency: string; tax: string }>(
    'select currency, sum(tax_amount)::text as tax from warehouse.transactions group by 1',
  )
  return Object.fromEntries(rows.map(({ currency, tax }) => [currency, tax]))
}
