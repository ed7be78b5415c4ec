import type { Pool } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fillHistory } from '../../../../tests/support/grafana-history.ts'
import { expandQuery } from '../../../../tests/support/grafana-macros.ts'
import {
  dashboardOf,
  MINUTE,
  opened,
  queryingPanels,
  readerOf,
  sqlOf,
} from '../../../../tests/support/grafana-panels.ts'
import { LIMIT_MS, planOf } from '../../../../tests/support/grafana-plans.ts'
import { resultProblems, runQuery } from '../../../../tests/support/grafana-results.ts'
import { aWorld, type World } from '../../../../tests/support/world.ts'
import { aLiveMessage } from '../support/a-transaction.ts'
import { salesHistory } from '../support/history.ts'

/** What the job loaded, and two months of history around it. */
let full: World
/** Migrated, and never used. */
let empty: World
let reader: Pool
let emptyReader: Pool

beforeAll(async () => {
  full = await aWorld({ partitions: 1 })
  await full.produce([
    ...['EUR', 'USD'].flatMap((currency) => [5, 2_000].map((amount) => aLiveMessage({ amount, currency }))),
    'no JSON',
  ])
  await full.runOnce()
  await fillHistory(full.pool, salesHistory())
  empty = await aWorld({ withoutTopics: true })
  reader = readerOf(full)
  emptyReader = readerOf(empty)
})
afterAll(async () => {
  await Promise.all([reader, emptyReader].map((pool) => pool?.end()))
  await Promise.all([full, empty].map((world) => world?.cleanUp()))
})

const dashboard = dashboardOf('pulse-sales')
const panels = queryingPanels(dashboard)
const CURRENCIES = ['USD', 'EUR', 'GBP', 'CAD', 'AUD', 'CHF']
const context = opened(dashboard, { currency: CURRENCIES })

describe('on a warehouse with data', () => {
  test.each(panels)('%s shows it', async (_, panel) => {
    const result = await runQuery(reader, expandQuery(sqlOf(panel), context()))
    expect(resultProblems(panel, result)).toEqual([])
  })

  test.each(panels)('%s shows a week, and one currency', async (_, panel) => {
    const from = new Date(Date.now() - 7 * 86_400_000)
    const week = context({ from, intervalMs: 15 * MINUTE, variables: { currency: ['EUR'] } })
    const result = await runQuery(reader, expandQuery(sqlOf(panel), week))
    expect(resultProblems(panel, result)).toEqual([])
  })

  test.each(panels)('%s follows the time range', async (_, panel) => {
    const before = { from: new Date('2020-01-01'), to: new Date('2020-01-02') }
    const now = await runQuery(reader, expandQuery(sqlOf(panel), context()))
    const then = await runQuery(reader, expandQuery(sqlOf(panel), context(before)))
    expect(then.rows).not.toEqual(now.rows)
  })

  test.each(panels)('%s follows the currency, whatever it is called', async (_, panel) => {
    const chosen = async (currency: string[]) =>
      (await runQuery(reader, expandQuery(sqlOf(panel), context({ variables: { currency } })))).rows
    const all = await chosen(CURRENCIES)
    expect(await chosen(['CHF'])).not.toEqual(all)
    expect(await chosen([`'); drop table "x"; --`])).not.toEqual(all)
  })

  test.each(panels)(
    '%s takes less than 100 ms and reads no large table from end to end',
    async (_, panel) => {
      const plan = await planOf(reader, expandQuery(sqlOf(panel), context()))
      const large = ['transactions', 'dead_letters', 'pipeline_batches', 'pipeline_runs']
      expect([...plan.scanned].filter((name) => large.includes(name))).toEqual([])
      expect(plan.ms).toBeLessThan(LIMIT_MS)
    },
  )

  const summing = panels.filter(([, { type, title }]) => type !== 'table' || title.startsWith('Revenue'))
  test.each(summing)('%s reads the rollup, not the facts', async (_, panel) => {
    const { relations } = await planOf(reader, expandQuery(sqlOf(panel), context()))
    expect(relations).toEqual(new Set(['sales_by_minute']))
  })

  test('the currencies to choose from are those of the time range', async () => {
    const { query } = dashboard.templating.list.find(({ name }) => name === 'currency')!
    const sql = expandQuery(query, context())
    const { columns, rows } = await runQuery(reader, sql)
    expect(columns).toEqual([{ name: 'currency', kind: 'text' }])
    expect(rows.map(({ currency }) => currency)).toEqual(CURRENCIES.toSorted())
    expect((await planOf(reader, sql)).ms).toBeLessThan(LIMIT_MS)
  })
})

describe('money', () => {
  const from = new Date(Math.floor(Date.now() / MINUTE - 60) * MINUTE)
  const show = async (title: string, currency: string[] = CURRENCIES) => {
    const panel = dashboard.panels.find((candidate) => candidate.title === title)!
    return runQuery(reader, expandQuery(sqlOf(panel), context({ from, variables: { currency } })))
  }

  test('is what the facts say, a row for each currency', async () => {
    const { rows } = await reader.query<{ currency: string; revenue: string; tax: string; total: string }>(
      `select currency, sum(amount) as revenue, sum(tax_amount) as tax, sum(total_amount) as total
       from warehouse.transactions where transaction_timestamp between $1 and now()
       group by currency order by currency`,
      [from],
    )
    const shown = (await show('Revenue and tax collected')).rows.map((row) => ({
      currency: row['currency'],
      revenue: row['revenue'],
      tax: row['tax'],
      total: row['with tax'],
    }))
    expect(shown.toSorted((a, b) => String(a.currency).localeCompare(String(b.currency)))).toEqual(rows)
  })

  test('has a line for each currency over time', async () => {
    const { rows } = await show('Revenue per minute')
    expect(new Set(rows.map(({ metric }) => metric))).toEqual(new Set(CURRENCIES))
  })

  test('by category is of one currency, also where several are chosen, and nothing is left out', async () => {
    const { rows } = await show('Revenue by category, $currency')
    expect((await show('Revenue by category, $currency', ['USD'])).rows).toEqual(rows)
    const [usd] = (await show('Revenue and tax collected', ['USD'])).rows
    const cents = rows.reduce((sum, { revenue }) => sum + Math.round(Number(revenue) * 100), 0)
    expect(cents).toBe(Math.round(Number(usd!['revenue']) * 100))
    expect(rows.map(({ category }) => category)).toContain('all others')
  })
})

describe('on a warehouse that was never used', () => {
  test.each(panels)('%s says so without an error', async (_, panel) => {
    for (const currency of [[], ['']]) {
      const sql = expandQuery(sqlOf(panel), context({ variables: { currency } }))
      const { rows } = await runQuery(emptyReader, sql)
      expect(rows.length).toBe(panel.type === 'stat' ? 1 : 0)
    }
  })
})

describe('the reader', () => {
  test.each([
    ['order keys', 'select * from warehouse.order_keys'],
    ['writing', 'delete from warehouse.sales_by_minute'],
  ])('is refused %s', async (_, sql) => {
    await expect(reader.query(sql)).rejects.toThrow('permission denied')
  })
})
