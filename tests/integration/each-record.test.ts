import { expect, test } from 'vitest'
import { compile, compileWith } from '../../etl/stream/compile.ts'
import { lookAt, newIncarnation } from '../../etl/partitions/stopped.ts'
import { ADA, redrive } from '../support/background.ts'
import { clicks } from '../support/clicks/clicks.ts'
import { aReplayer, replayed } from '../support/replayer.ts'
import { noon, proofOf } from '../support/versions.ts'
import { aWorld, type World } from '../support/world.ts'

/** Streams in which each record is a fact of its own, in partitions by day. */

const aClicksWorld = () => aWorld({ stream: clicks, partitions: 1 })
const aClick = (changes: Readonly<Record<string, unknown>> = {}) => ({
  session: 's1',
  kind: 'view',
  seconds: 5,
  at: noon(),
  ...changes,
})

async function stored({ pool }: World): Promise<string[]> {
  const { rows } = await pool.query<{ shown: string }>(
    `select source_offset || ' ' || seconds as shown from warehouse.clicks order by source_offset`,
  )
  return rows.map(({ shown }) => shown)
}

const day = (daysAgo: number) => `clicks_${noon(daysAgo).slice(0, 10).replaceAll('-', '_')}`

test('equal records are facts of their own, each in the partition of its day', async () => {
  const world = await aClicksWorld()
  await world.produce([aClick(), aClick(), '{', aClick({ at: noon(2) }), aClick({ seconds: 20 })])
  expect(await world.runOnce({ deadLetterMaxRatio: 1 })).toMatchObject({ loaded: 4, duplicate: 0 })
  expect(await stored(world)).toEqual(['0 5', '1 5', '3 5', '4 20'])
  const { rows } = await world.pool.query<{ name: string }>(
    `select relname as name from pg_inherits join pg_class on pg_class.oid = inhrelid
     where inhparent = 'warehouse.clicks'::regclass order by 1`,
  )
  expect(rows.map(({ name }) => name)).toEqual([day(2), day(1)])
  await aReplayer(world, { stream: compileWith(clicks, { limit: 3 }) })
  expect((await replayed(world)).result).toMatchObject({ facts: 4, changed: 3, withoutFact: 0 })
  const long = await world.pool.query('select sum(long)::int as n from warehouse.clicks_by_hour')
  expect(long.rows).toEqual([{ n: 4 }])
  expect(await proofOf(world, clicks)).toMatchObject({
    balanced: true,
    findings: [],
    everyRecord: { facts: 4, deadLetters: 1 },
  })
})

test('a dead letter that is sent again twice is loaded once, with other values it is a conflict', async () => {
  const world = await aClicksWorld()
  await world.produce([aClick({ seconds: -1 })])
  await world.runOnce({ deadLetterMaxRatio: 1 })
  const [letter] = await world.deadLetters()
  const value = Buffer.from(JSON.stringify(aClick()))
  expect((await redrive(world, { ids: [letter!.id] }, { value })).run).toMatchObject({ loaded: 1 })
  const again = (changes: Readonly<Record<string, unknown>> = {}) => ({
    key: 's1',
    value: Buffer.from(JSON.stringify(aClick(changes))),
    partition: 0,
    headers: { 'redrive-of': `${world.topic}:0:0` },
  })
  await world.produceRecords([again(), again({ at: noon(3) }), again(), again({ kind: 'cart' })])
  expect(await world.runOnce({ deadLetterMaxRatio: 1 })).toMatchObject({
    loaded: 0,
    duplicate: 2,
    deadLettered: 2,
  })
  expect(await stored(world)).toEqual(['1 5'])
  expect(await proofOf(world, clicks)).toMatchObject({ balanced: true, findings: [] })
  await aReplayer(world, { stream: compile(clicks) })
  expect((await replayed(world)).result).toMatchObject({ facts: 1, changed: 0 })
})

test('a new incarnation needs the number of facts that may be there twice', async () => {
  const world = await aClicksWorld()
  await world.produce([aClick(), aClick(), aClick()])
  await world.runOnce()
  const now = await lookAt(world.pool, world.kafka, { topic: world.topic, partition: 0 })
  await expect(newIncarnation(world.pool, ADA, now, 1)).rejects.toThrow('--from 1 --twice 2')
  await expect(newIncarnation(world.pool, ADA, now, 0, 2)).rejects.toThrow('3 of them may be there twice')
  await newIncarnation(world.pool, ADA, now, 1, 2)
  expect(await world.runOnce()).toMatchObject({ loaded: 2 })
  expect(await proofOf(world, clicks)).toMatchObject({ balanced: true, findings: [] })
  // Also when the batches of the one that is over are folded, facts that name no batch are counted for them.
  await world.pool.query(`update audit.pipeline_batches set loaded_at = now() - interval '9 days'`)
  await world.pool.query('select audit.fold_batches($1, 0, 1, 1)', [world.topic])
  const { balanced, findings, totals } = await proofOf(world, clicks)
  expect({ balanced, findings, totals }).toMatchObject({
    balanced: true,
    findings: [],
    totals: { loaded: 5 },
  })
  await world.pool.query('delete from warehouse.clicks where source_offset = 0')
  expect((await proofOf(world, clicks)).findings.map(({ name }) => name)).toContain('opening balances')
})
