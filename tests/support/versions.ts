import type { PoolClient } from 'pg'
import { onTestFinished } from 'vitest'
import { reconcile } from '../../etl/reconcile/reconcile.ts'
import { compile } from '../../etl/stream/compile.ts'
import type { Definition } from '../../etl/stream/definition.ts'
import { goods } from './goods/goods.ts'
import { waitFor } from './wait-for.ts'
import { aWorld, type World } from './world.ts'

/** Worlds of the stream of goods, and what its tables say. */

export const stream = compile(goods)
export const aGoodsWorld = (options: Parameters<typeof aWorld>[0] = {}) =>
  aWorld({ stream: goods, partitions: 1, ...options })

/** Noon of a day in the days before, so that no test meets a change of days. */
export const noon = (daysAgo = 1): string => {
  const at = new Date(Date.now() - daysAgo * 86_400_000)
  at.setUTCHours(12, 0, 0, 0)
  return at.toISOString()
}

export const aVersion = (
  product_id: string,
  version: number,
  changes: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> => ({
  product_id,
  version,
  name: `${product_id} ${version}`,
  category: 'food',
  price: 10 + version,
  updated_at: noon(),
  ...changes,
})

export interface Current {
  readonly product_id: string
  readonly version: number
  readonly price: string | null
  readonly deleted: boolean
}

export async function currentOf({ pool }: World): Promise<Current[]> {
  const { rows } = await pool.query<Current>(
    `select product_id, version::int, price, deleted_at is not null as deleted from warehouse.goods order by 1`,
  )
  return rows
}

/** Versions by key: `a1 a2 b1`. */
export async function historyOf({ pool }: World): Promise<string> {
  const { rows } = await pool.query<{ all: string | null }>(
    `select string_agg(product_id || version, ' ' order by product_id, version) as all from warehouse.goods_history`,
  )
  return rows[0]!.all ?? ''
}

/** Of the rollup, cells summed over partitions; those of nothing are left out. */
export async function summed({ pool }: World) {
  const { rows } = await pool.query<{ category: string; goods: number; price: string; gross: string }>(
    `select category, sum(goods)::int as goods, sum(price)::text as price, sum(gross)::text as gross
     from warehouse.goods_by_day group by day, category having sum(goods) <> 0 or sum(price) <> 0 or sum(gross) <> 0
     order by day, category`,
  )
  return rows
}

export async function proofOf(world: World, of: Definition = goods) {
  const options = {
    pool: world.pool,
    stream: compile(of),
    kafka: world.kafka,
    topic: world.topic,
    deep: true,
  }
  const { checks, balanced, totals, everyRecord, warnings } = await reconcile(options)
  return {
    balanced,
    totals,
    everyRecord,
    warnings,
    findings: checks.filter(({ findings }) => findings.length > 0),
  }
}

/** A transaction of somebody else, under way. */
export async function aRival(world: World): Promise<PoolClient> {
  const rival = await world.pool.connect()
  onTestFinished(() => rival.release(true))
  await rival.query('begin')
  return rival
}

/** Resolves when so many connections wait for a lock. */
export const untilWaiting = (world: World, many = 1) =>
  waitFor('a load to wait for a lock', async () => {
    const { rowCount } = await world.pool.query(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    )
    return (rowCount ?? 0) >= many
  })
