import { expect, test } from 'vitest'
import { consumed, sentBy } from '../../../../tests/support/fault-backlog.ts'
import { waitFor } from '../../../../tests/support/wait-for.ts'
import { aWorld, type World } from '../../../../tests/support/world.ts'
import { streams } from '../../../index.ts'

const SALES = 400

interface Report {
  readonly stream: string
  readonly balanced: boolean
  readonly totals: { readonly consumed: number; readonly loaded: number; readonly deadLettered: number }
}

async function reconciled(world: World): Promise<Report[]> {
  const pulse = world.startProgram('scripts/pulse.ts', ['reconcile', '--deep', '--json'])
  expect({ code: await pulse.exited, output: pulse.output() }).toMatchObject({ code: 0 })
  return JSON.parse(pulse.output()) as Report[]
}

test('a shop of five streams is loaded by workers of which one is killed, and agrees in the warehouse', async () => {
  const world = await aWorld({ others: streams.slice(1), env: { BATCH_SIZE: '200' } })
  const sent = await sentBy(
    world.startProducer({
      PRODUCER_LIMIT: String(SALES),
      PRODUCER_RATE: '1000000',
      PRODUCER_INVALID_RATIO: '0.05',
      PRODUCER_DUPLICATE_RATIO: '0.05',
    }),
  )
  const first = world.startEtl()
  await waitFor('some of it to be loaded', async () => (await consumed(world)) > sent.total / 4)
  first.kill('SIGKILL')
  world.startEtl()
  await waitFor('all of it to be loaded', async () => (await consumed(world)) === sent.total, {
    limitMs: 40_000,
  })

  const reports = await reconciled(world)
  expect(reports.map(({ stream }) => stream)).toEqual(streams.map(({ name }) => name))
  expect(reports.filter(({ balanced, totals }) => !balanced || totals.deadLettered === 0)).toEqual([])

  const { rows } = await world.pool.query<Record<string, number>>(
    `select (select count(*) from warehouse.transactions)::int as transactions,
            (select count(*) from warehouse.transactions t
             where not exists (select 1 from warehouse.sales s where s.transaction_id = t.order_id
                               and s.status <> 'failed' and s.amount = t.amount))::int as not_sold,
            (select count(*) from warehouse.sales_live s
             where not exists (select 1 from warehouse.customers c where c.customer_id = s.customer_id))::int as by_nobody,
            (select count(*) from warehouse.sales_history s
             where s.version = 1 and (select count(*) from warehouse.products_versions p
                    where p.product_id = s.product_id and p.price = s.unit_price
                      and p.valid_from <= s.changed_at and (p.valid_to is null or s.changed_at < p.valid_to)) <> 1)::int
              as at_another_price,
            (select sum(sales) from warehouse.sales_by_day)::int
              - (select count(*) from warehouse.sales_live)::int as not_in_the_rollup,
            (select events from warehouse.site_events_by_hour where kind = 'purchase' limit 1) is not null as has_purchases`,
  )
  expect(rows[0]).toEqual({
    transactions: SALES,
    not_sold: 0,
    by_nobody: 0,
    at_another_price: 0,
    not_in_the_rollup: 0,
    has_purchases: true,
  })
})
