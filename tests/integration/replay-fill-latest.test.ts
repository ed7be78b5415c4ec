import { expect, test } from 'vitest'
import { requestReplay } from '../../etl/replay/request.ts'
import type { ReplayRange } from '../../etl/replay/plan.ts'
import { compile } from '../../etl/stream/compile.ts'
import { defineStream } from '../../etl/stream/define.ts'
import { count, flag, instant, int, money, sum, text } from '../../etl/stream/words.ts'
import { provedBy } from '../support/reconciled.ts'
import { ALL, aReplayer, OPERATOR, settled } from '../support/replayer.ts'
import { aRival, noon, untilWaiting } from '../support/versions.ts'
import { aWorld, type World } from '../support/world.ts'

/** Filling what has versions: the history first, and then what counts, if that is the very version. */

const tabs = defineStream('tabs', {
  title: 'tab',
  topic: { key: 'tab_id' },
  fields: {
    tab_id: text(10),
    version: int(),
    owed: money().optional(),
    note: text(20).optional(),
    is_gone: flag().default(false),
    at: instant(),
  },
  eventTime: 'at',
  identity: { latest: 'tab_id', by: 'version', deletedWhen: 'is_gone' },
  rollups: { tabs_by_day: { every: 'day', by: [], measures: { tabs: count(), owed: sum('owed') } } },
})

const aTab = (tab_id: string, version: number, changes: object = {}) => ({
  tab_id,
  version,
  owed: version,
  note: 'n',
  at: noon(),
  ...changes,
})

/** Loaded as if nothing was known of what is owed. */
async function aWorldOfTabs(records: readonly object[]): Promise<World> {
  const world = await aWorld({ stream: tabs, partitions: 1 })
  await world.produce(records)
  await world.runOnce()
  for (const table of ['tabs', 'tabs_history'])
    await world.pool.query(`update warehouse.${table} set owed = null`)
  await world.pool.query('update warehouse.tabs_by_day set owed = 0')
  return world
}

async function fill(world: World, range: ReplayRange = ALL) {
  const asked = { stream: 'tabs', topic: world.topic, range, dryRun: false, fill: 'owed' }
  return (await requestReplay(world.pool, world.kafka, OPERATOR, asked)).action.id
}

async function owed({ pool }: World) {
  const { rows } = await pool.query<{ current: string; history: string; summed: string }>(
    `select (select string_agg(tab_id || version || '=' || coalesce(owed::text, ''), ' ' order by tab_id) from warehouse.tabs) as current,
            (select string_agg(tab_id || version || '=' || coalesce(owed::text, ''), ' ' order by tab_id, version) from warehouse.tabs_history) as history,
            (select sum(owed)::text from warehouse.tabs_by_day) as summed`,
  )
  return rows[0]!
}

test('a version that is history is filled there, the current one in its row and its rollup too', async () => {
  const world = await aWorldOfTabs([
    aTab('a', 1),
    aTab('a', 2),
    aTab('b', 5),
    aTab('b', 4),
    aTab('c', 1),
    aTab('c', 2, { is_gone: true }),
  ])
  await aReplayer(world, { stream: compile(tabs) })
  expect(await provedBy(world, tabs)).toMatchObject({
    balanced: true,
    told: [],
    everyRecord: { toFill: { owed: 5 } },
  })
  const first = await fill(world, { kind: 'offsets', partition: 0, from: 0, to: 1 })
  expect((await settled(world, first, 'succeeded')).result).toMatchObject({ changed: 1 })
  expect(await owed(world)).toEqual({
    current: 'a2= b5= c2=',
    history: 'a1=1.00 a2= b4= b5= c1= c2=',
    summed: '0',
  })
  expect(await provedBy(world, tabs)).toMatchObject({ balanced: true, told: [] })
  expect((await settled(world, await fill(world), 'succeeded')).result).toMatchObject({
    facts: 6,
    changed: 4,
  })
  expect(await owed(world)).toEqual({
    current: 'a2=2.00 b5=5.00 c2=',
    history: 'a1=1.00 a2=2.00 b4=4.00 b5=5.00 c1=1.00 c2=',
    summed: '7.00',
  })
  expect(await provedBy(world, tabs)).toMatchObject({ balanced: true, told: [], everyRecord: { toFill: {} } })
})

test('a current row that a rival replaces meanwhile is left alone, and so is the rollup', async () => {
  const world = await aWorldOfTabs([aTab('a', 1), aTab('b', 1)])
  const rival = await aRival(world)
  await rival.query(`select from warehouse.tabs where tab_id = 'a' for update`)
  await aReplayer(world, { stream: compile(tabs) })
  const id = await fill(world)
  await untilWaiting(world)
  await rival.query(
    `update warehouse.tabs set version = 9, source_partition = 9, owed = null where tab_id = 'a'`,
  )
  await rival.query('commit')
  expect((await settled(world, id, 'succeeded')).result).toMatchObject({ changed: 2 })
  expect(await owed(world)).toEqual({ current: 'a9= b1=1.00', history: 'a1=1.00 b1=1.00', summed: '1.00' })
})
