import type { Pool } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fillHistory } from '../support/grafana-history.ts'
import { expandQuery } from '../support/grafana-macros.ts'
import { dashboardOf, MINUTE, opened, queryingPanels, readerOf, sqlOf } from '../support/grafana-panels.ts'
import { LIMIT_MS, planOf } from '../support/grafana-plans.ts'
import { resultProblems, runQuery } from '../support/grafana-results.ts'
import { stream } from '../support/stream.ts'
import { aLiveMessage, aWorld, type World } from '../support/world.ts'

/** What the job loaded, and two months of history around it. */
let full: World
/** Migrated, and never used. */
let empty: World
let reader: Pool
let emptyReader: Pool

beforeAll(async () => {
  full = await aWorld({ partitions: 1 })
  await full.produce([...Array.from({ length: 4 }, () => aLiveMessage()), 'no JSON'])
  await full.runOnce()
  await fillHistory(full.pool)
  empty = await aWorld({ withoutTopics: true })
  reader = readerOf(full)
  emptyReader = readerOf(empty)
})
afterAll(async () => {
  await Promise.all([reader, emptyReader].map((pool) => pool?.end()))
  await Promise.all([full, empty].map((world) => world?.cleanUp()))
})

/** The engine's: a stream tests its own. */
const dashboard = dashboardOf('pulse-pipeline')
const panels = queryingPanels(dashboard)
const context = opened(dashboard, { stream: [stream.name] })

describe('on a warehouse with data', () => {
  test.each(panels)('%s shows it', async (_, panel) => {
    const result = await runQuery(reader, expandQuery(sqlOf(panel), context()))
    expect(resultProblems(panel, result)).toEqual([])
  })

  test.each(panels)('%s shows a week', async (_, panel) => {
    const from = new Date(Date.now() - 7 * 86_400_000)
    const week = context({ from, intervalMs: 15 * MINUTE })
    const result = await runQuery(reader, expandQuery(sqlOf(panel), week))
    expect(resultProblems(panel, result)).toEqual([])
  })

  test.each(panels)('%s follows the time range', async (_, panel) => {
    const before = { from: new Date('2020-01-01'), to: new Date('2020-01-02') }
    const now = await runQuery(reader, expandQuery(sqlOf(panel), context()))
    const then = await runQuery(reader, expandQuery(sqlOf(panel), context(before)))
    expect(then.rows).not.toEqual(now.rows)
  })

  test.each(panels)(
    '%s takes less than 100 ms and reads no large table from end to end',
    async (_, panel) => {
      const plan = await planOf(reader, expandQuery(sqlOf(panel), context()))
      const large = [stream.name, 'dead_letters', 'pipeline_batches', 'pipeline_runs']
      expect([...plan.scanned].filter((name) => large.includes(name))).toEqual([])
      expect(plan.ms).toBeLessThan(LIMIT_MS)
    },
  )
})

describe('on a warehouse that was never used', () => {
  test.each(panels)('%s says so without an error', async (_, panel) => {
    const { rows } = await runQuery(emptyReader, expandQuery(sqlOf(panel), context()))
    expect(rows.length).toBe(panel.type === 'stat' ? 1 : 0)
  })
})

describe('the reader', () => {
  test.each([
    ['payloads', 'select value from audit.dead_letters'],
    ['writing', `delete from warehouse.${stream.name}`],
    ['partitions', `select audit.ensure_partition('${stream.name}', now())`],
  ])('is refused %s', async (_, sql) => {
    await expect(reader.query(sql)).rejects.toThrow('permission denied')
  })
})
