import { describe, expect, test } from 'vitest'
import { clicks } from '../support/clicks/clicks.ts'
import { compile } from '../../etl/stream/compile.ts'
import { aHousekeeper, daysAgo } from '../support/housekeeper.ts'
import { noon, proofOf } from '../support/versions.ts'
import { aWorld, type World } from '../support/world.ts'

/** Facts in partitions by day, kept as long as the declaration says: clicks are at most 60 days old and kept for 80. */

const stream = compile(clicks)
const DAY_MS = 86_400_000
const aClicksWorld = (topicSettings: Readonly<Record<string, string>> = {}) =>
  aWorld({ stream: clicks, partitions: 1, topicSettings })
const aClick = (at: string) => ({ session: 's1', kind: 'view', seconds: 5, at })
/** Whatever its age: as if it had been loaded when it was young. */
const load = async (world: World, ...days: readonly number[]) => {
  await world.produce(days.map((one) => aClick(noon(one))))
  expect(await world.runOnce({ maxAgeDays: 1_000 })).toMatchObject({
    status: 'succeeded',
    loaded: days.length,
  })
}

async function daysThere({ pool }: World): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>(
    `select right(relname, 10) as name from pg_inherits join pg_class on pg_class.oid = inhrelid
     where inhparent = 'warehouse.clicks'::regclass order by 1`,
  )
  return rows.map(({ name }) => name)
}
const named = (ago: number) => daysAgo(ago).slice(0, 10).replaceAll('-', '_')

test('what is older than the declared age is refused, whatever the settings say', async () => {
  const world = await aClicksWorld()
  await world.produce([aClick(daysAgo(59)), aClick(daysAgo(61))])
  expect(await world.runOnce({ deadLetterMaxRatio: 1 })).toMatchObject({ loaded: 1, deadLettered: 1 })
  expect(await world.deadLetters()).toMatchObject([{ offset: 1, code: 'timestamp_out_of_range' }])
})

test('a batch of many days is loaded in parts, and no day is missing', async () => {
  const world = await aClicksWorld()
  await world.produce(Array.from({ length: 100 }, (_, i) => aClick(noon((i % 50) + 1))))
  expect(await world.runOnce()).toMatchObject({ status: 'succeeded', loaded: 100 })
  expect((await world.ledger()).length).toBeGreaterThan(1)
  expect(await daysThere(world)).toHaveLength(50)
  expect(await proofOf(world, clicks)).toMatchObject({
    balanced: true,
    findings: [],
    totals: { loaded: 100 },
  })
})

describe('housekeeping', () => {
  test('makes days ahead and drops those that are wholly older than is kept, and the books know it', async () => {
    const world = await aClicksWorld()
    await load(world, 90, 82, 82, 79, 1)
    const { keep } = aHousekeeper(world, { RETENTION_DAYS: '40' })
    expect(await keep({ stream })).toMatchObject({ days_made: 3, facts_dropped: 3 })
    expect(await daysThere(world)).toEqual([79, 1, 0, -1, -2].map(named))
    const { balanced, findings, totals, everyRecord } = await proofOf(world, clicks)
    expect({ balanced, findings }).toEqual({ balanced: true, findings: [] })
    expect(totals).toMatchObject({ loaded: 5 })
    expect(everyRecord).toMatchObject({ facts: 2, droppedOrPruned: 3 })
    const rolled = await world.pool.query('select sum(clicks)::int as n from warehouse.clicks_by_hour')
    expect(rolled.rows).toEqual([{ n: 2 }])
  })

  test.for([
    ['keeps its records too long', { 'retention.ms': String(20 * DAY_MS) }, /need 88 days/],
    [
      'has the producers’ time',
      { 'message.timestamp.type': 'CreateTime' },
      /may bring any of its records again/,
    ],
    ['keeps its records for ever', { 'retention.ms': '-1' }, /may bring any of its records again/],
  ] as const)('drops nothing where the topic %s, and that is a finding', async ([, settings, said]) => {
    const world = await aClicksWorld(settings)
    await load(world, 90, 1)
    expect(await aHousekeeper(world).keep({ stream })).toMatchObject({ facts_dropped: 0 })
    expect(await daysThere(world)).toContain(named(90))
    const { balanced, findings } = await proofOf(world, clicks)
    expect(balanced).toBe(false)
    expect(findings).toMatchObject([{ name: 'retention', findings: [{ examples: [{ message: said }] }] }])
  })

  test('is not let drop a day that the declaration keeps', async () => {
    const world = await aClicksWorld()
    await load(world, 79)
    await expect(
      world.pool.query(`select audit.drop_partition('clicks', $1)`, [daysAgo(79).slice(0, 10)]),
    ).rejects.toThrow('it ended less than 80 days ago')
  })
})
