import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { lookAt } from '../../etl/partitions/stopped.ts'
import { planSweep, sweep } from '../../etl/partitions/sweep.ts'
import { reconcile } from '../../etl/reconcile/reconcile.ts'
import { compile } from '../../etl/stream/compile.ts'
import { ADA } from '../support/background.ts'
import { prices } from '../support/prices/prices.ts'
import { runPulse } from '../support/pulse.ts'
import { aGoodsWorld, aRival, noon, stream as goods, untilWaiting } from '../support/versions.ts'
import { waitFor } from '../support/wait-for.ts'
import { aWorld, readWholeTopic, type World } from '../support/world.ts'

/** Deletions that a compacted topic forgot before they were read: noticed, and found by a sweep. Kafka really compacts. */

const stream = compile(prices)

/** A topic that is compacted as soon as its segment is rolled, and forgets deletions at once. */
const aCompactedWorld = (partitions = 1) =>
  aWorld({
    stream: prices,
    partitions,
    topicSettings: {
      'cleanup.policy': 'compact',
      'retention.ms': '-1',
      'delete.retention.ms': '0',
      'min.cleanable.dirty.ratio': '0.001',
      'segment.ms': '1000',
      'max.compaction.lag.ms': '1000',
    },
  })

/** @param price null deletes; undefined is no price. */
const send = (world: World, ...of: [sku: string, price: number | null | undefined][]) =>
  world.produceRecords(
    of.map(([sku, price]) => ({
      key: sku,
      value: price === null ? null : Buffer.from(JSON.stringify({ price, at: noon() })),
      partition: 0,
    })),
  )

/** Kafka compacts closed segments only: a record of another key rolls the one that is open. */
async function untilGone(world: World, ...keys: string[]): Promise<void> {
  await waitFor(
    `${keys.join(', ')} to be compacted away`,
    async () => {
      await send(world, ['roll', 1])
      const there = (await readWholeTopic(world.kafka, world.topic)).map(({ key }) => String(key))
      return keys.every((key) => !there.includes(key))
    },
    { limitMs: 110_000, everyMs: 2_000 },
  )
}

async function current({ pool }: World): Promise<string[]> {
  const { rows } = await pool.query<{ is: string }>(
    `select concat_ws(' ', sku, price, case when deleted_at is not null then 'deleted' end) as is
     from warehouse.prices where sku <> 'roll' order by sku`,
  )
  return rows.map((row) => row.is)
}

async function proofOf(world: World) {
  const { checks, balanced } = await reconcile({ ...world, stream, deep: true })
  const findings = checks.flatMap(({ name, findings: of }) => of.map(({ kind }) => `${name}: ${kind}`))
  return { balanced, findings }
}

/** Programs have the stream, too. */
async function installed({ env }: World): Promise<void> {
  const declaration = new URL('../support/prices/prices.ts', import.meta.url).href
  const text = `import { prices } from ${JSON.stringify(declaration)}\nexport const streams = [prices]\n`
  await writeFile(join(env['STREAMS_DIR']!, 'index.ts'), text)
}

const plan = (world: World) => planSweep(world.pool, world.kafka, stream, world.topic)
const swept = async (world: World) =>
  (await sweep(world.pool, world.kafka, ADA, stream, await plan(world), 'away')).map(({ target }) => target)

/** As if nothing had been read for two days. */
const awayForDays = ({ pool }: World) =>
  pool.query(
    `update audit.partition_progress set log_seen_at = log_seen_at - interval '2 days', last_timestamp = last_timestamp - interval '2 days'`,
  )

test('a key whose deletion went unseen is found by its record that is gone, and no other is touched', async () => {
  const world = await aCompactedWorld()
  await send(world, ['a', 1], ['b', 2], ['c', 3], ['d', 4], ['e', 5])
  expect(await world.runOnce()).toMatchObject({ loaded: 5 })
  expect((await proofOf(world)).balanced).toBe(true)

  // While nobody reads: b and c are deleted, d gets a record that is no price, e another price.
  await send(world, ['b', null], ['c', null], ['d', undefined], ['e', 6])
  await untilGone(world, 'b', 'c')
  await awayForDays(world)
  await world.runOnce({ deadLetterMaxRatio: 1 })
  expect(await current(world)).toEqual(['a 1.00', 'b 2.00', 'c 3.00', 'd 4.00', 'e 6.00'])
  expect(await proofOf(world)).toEqual({ balanced: false, findings: ['deletions: may have been missed'] })

  await installed(world)
  const command = ['streams', 'sweep', 'prices', '--reason', 'away']
  expect(await runPulse(world.env, [...command, '--dry-run'])).toEqual({
    code: 0,
    err: '',
    out: `${world.topic}/0: of 6 keys that are current the log no longer has 2\nNothing was changed: it was a dry run.\n`,
  })
  expect(await runPulse(world.env, command)).toMatchObject({
    code: 2,
    err: expect.stringContaining('add --yes'),
  })
  expect(await runPulse(world.env, [...command, '--yes'])).toMatchObject({
    code: 0,
    out: `prices: 2 keys marked as deleted, in 1 partition of ${world.topic}. The log was read from its start.\n`,
  })
  const { rows: actions } = await world.pool.query(
    'select action, stream, reason, target from audit.operator_actions',
  )
  expect(actions).toMatchObject([
    {
      action: 'sweep',
      stream: 'prices',
      reason: 'away',
      target: { topic: world.topic, partition: 0, keys: 6, deleted: 2 },
    },
  ])
  expect(await current(world)).toEqual(['a 1.00', 'b 2.00 deleted', 'c 3.00 deleted', 'd 4.00', 'e 6.00'])
  const { rows } = await world.pool.query<{ n: number; live: number; versions: number }>(
    `select (select sum(prices) from warehouse.prices_by_day)::int as n,
            (select count(*) from warehouse.prices_live)::int as live,
            (select count(*) from warehouse.prices_versions where sku = 'b' and valid_to is not null and not is_current)::int as versions`,
  )
  expect(rows[0]).toEqual({ n: 4, live: 4, versions: 1 })
  expect(await proofOf(world)).toEqual({ balanced: true, findings: [] })

  // Done again it finds nothing; and what was deleted comes back with its next record.
  expect(await swept(world)).toMatchObject([{ deleted: 0 }])
  await send(world, ['b', 9])
  await world.runOnce()
  expect(await current(world)).toContain('b 9.00')
  expect(await proofOf(world)).toEqual({ balanced: true, findings: [] })
})

test('a key that has come again, or is being loaded, is left to its load', async () => {
  const world = await aCompactedWorld()
  await send(world, ['a', 1], ['b', 2], ['c', 3])
  await world.runOnce()
  await send(world, ['a', null], ['b', null], ['c', null])
  await untilGone(world, 'a', 'b', 'c')
  await world.runOnce()
  const found = await plan(world)
  expect([...found.partitions[0]!.gone.keys()]).toEqual(['a', 'b', 'c'])
  await send(world, ['a', 7])
  // A load of b, under way.
  const load = await aRival(world)
  await load.query('select from audit.partition_progress for update')
  const sweeping = sweep(world.pool, world.kafka, ADA, stream, found, 'away')
  await untilWaiting(world)
  await load.query(
    `update warehouse.prices set source_offset = 1000, log_offset = 1000, price = 8 where sku = 'b';
     update warehouse.prices_history set source_offset = 1000, log_offset = 1000, price = 8 where sku = 'b'`,
  )
  await load.query('commit')
  expect((await sweeping)[0]!.target).toMatchObject({ deleted: 1 })
  expect(await current(world)).toEqual(['a 1.00', 'b 8.00', 'c 3.00 deleted'])
  await world.runOnce()
  expect(await current(world)).toContain('a 7.00')
})

test('nothing is noticed where nothing came, or where the topic keeps deletions for longer than that', async () => {
  const world = await aWorld({
    stream: prices,
    partitions: 1,
    topicSettings: { 'cleanup.policy': 'compact', 'delete.retention.ms': '864000000' },
  })
  await send(world, ['a', 1])
  await world.runOnce()
  await awayForDays(world)
  await send(world, ['a', 2])
  await world.runOnce()
  const other = await aCompactedWorld()
  await send(other, ['a', 1])
  await other.runOnce()
  await awayForDays(other)
  await other.runOnce()
  for (const { pool } of [world, other])
    expect((await pool.query('select from audit.missed_deletions')).rowCount).toBe(0)
})

describe('a sweep is refused', () => {
  test('where a record that is gone may have another reason', async () => {
    const world = await aWorld({ stream: prices, partitions: 1 })
    await send(world, ['a', 1])
    await world.runOnce()
    await expect(plan(world)).rejects.toThrow('has cleanup.policy=delete: only where it is compact')
    const versions = await aGoodsWorld()
    await expect(planSweep(versions.pool, versions.kafka, goods, versions.topic)).rejects.toThrow(
      "The log doesn't order the stream goods (by: 'log')",
    )
  })

  test('where nothing was loaded, or the log is not the one that was', async () => {
    const world = await aCompactedWorld()
    await expect(plan(world)).rejects.toThrow(`Nothing was loaded from ${world.topic}`)
    await send(world, ['a', 1])
    await world.runOnce()
    await world.pool.query(`update audit.partition_progress set last_hash = 'another'`)
    await expect(plan(world)).rejects.toThrow("/0 can't be swept")
    expect(
      (await lookAt(world.pool, world.kafka, { topic: world.topic, partition: 0 })).progress.nextOffset,
    ).toBe(1)
  })
})
