import { expect, test } from 'vitest'
import { aLiveMessage, at as atTime, roles } from '../support/messages.ts'
import { stream } from '../support/stream.ts'
import { aWorld, type World } from '../support/world.ts'

const DAY_MS = 86_400_000
const daysAgo = (days: number) => new Date(Date.now() - days * DAY_MS).toISOString()

async function partitions(world: World): Promise<string[]> {
  const { rows } = await world.pool.query<{ name: string }>(
    `select inhrelid::regclass::text as name from pg_inherits
     where inhparent = 'warehouse.${stream.name}'::regclass order by 1`,
  )
  return rows.map(({ name }) => name)
}

test('a fact of 1,000 days ago gets the partition of its month', async () => {
  const world = await aWorld({ partitions: 1 })
  const at = daysAgo(1_000)
  await world.produce([aLiveMessage(atTime(at))])
  expect(await world.runOnce()).toMatchObject({ loaded: 1, deadLettered: 0 })
  const { rows } = await world.pool.query(`select tableoid::regclass::text as table from ${stream.name}`)
  expect(rows).toEqual([{ table: `${stream.name}_${at.slice(0, 7).replace('-', '_')}` }])
})

test('40 months in one batch are loaded, over and over', async () => {
  const world = await aWorld({ partitions: 1 })
  const months = Array.from({ length: 40 }, (_, i) => atTime(daysAgo(i * 31 + 1)))
  for (let i = 0; i < 2; i++) {
    await world.produce(months.map((month) => aLiveMessage(month)))
    expect(await world.runOnce({ maxAgeDays: 1_300 })).toMatchObject({ status: 'succeeded', loaded: 40 })
  }
  const needed = new Set(months.map((month) => String(month[roles.eventTime]).slice(0, 7).replace('-', '_')))
  expect(await partitions(world)).toEqual([...needed].sort().map((month) => `${stream.name}_${month}`))
  await world.assertBalanced()
})

test('the last and the first microsecond of a month are in their own partitions', async () => {
  const world = await aWorld({ partitions: 1 })
  const first = new Date(Date.UTC(new Date().getUTCFullYear() - 1, 5, 1)).toISOString().slice(0, 10)
  const last = `${first.slice(0, 5)}05-31`
  const times = [`${last}T23:59:59.999999Z`, `${first}T00:00:00.000000Z`]
  await world.produce(times.map((time) => aLiveMessage(atTime(time))))
  await world.runOnce()
  const { rows } = await world.pool.query<{ table: string }>(
    `select tableoid::regclass::text as table from ${stream.name} order by ${roles.columns[roles.eventTime]}`,
  )
  expect(rows.map((row) => row.table.slice(-2))).toEqual(['05', '06'])
  expect((await world.facts()).map(({ moment }) => moment)).toEqual(times)
})

test('a partition that was dropped for its age is made again when a late record needs it', async () => {
  const world = await aWorld({ partitions: 1 })
  const at = daysAgo(400)
  await world.produce([aLiveMessage(atTime(at))])
  const worker = await world.openWorker()
  await worker.runOnce()
  await world.pool.query(`drop table warehouse.${(await partitions(world))[0]!.split('.').at(-1)}`)
  await worker.close()
  await world.produce([aLiveMessage(atTime(at))])
  expect(await world.runOnce()).toMatchObject({ status: 'succeeded', loaded: 1 })
})
