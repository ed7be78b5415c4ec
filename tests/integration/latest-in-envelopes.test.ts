import { expect, test } from 'vitest'
import { defineStream } from '../../etl/stream/define.ts'
import { count, envelope, instant, int, text } from '../../etl/stream/words.ts'
import { proofOf } from '../support/versions.ts'
import { aWorld, type World } from '../support/world.ts'

/** Versions whose envelope says which is newer, and what is deleted. */

const customers = defineStream('customers', {
  title: 'customer',
  topic: { key: 'id' },
  envelope: 'debezium',
  fields: {
    id: int(),
    name: text(50),
    lsn: int({ at: envelope('source.lsn') }),
    changed_at: instant({ epoch: 'ms', at: envelope('source.ts_ms') }),
  },
  eventTime: 'changed_at',
  identity: { latest: 'id', by: 'lsn' },
  rollups: { customers_by_day: { every: 'day', by: [], measures: { customers: count() } } },
})
const change = (op: string, lsn: number, id: number, name?: string) => {
  const source = { name: 'shop', lsn, ts_ms: Date.now() }
  const row = { id, name: name ?? null }
  return { op, ts_ms: Date.now(), source, before: op === 'd' ? row : null, after: op === 'd' ? null : row }
}

const current = async ({ pool }: World, table: string) =>
  (
    await pool.query(
      `select id::int, name, deleted_at is not null as deleted from warehouse.${table} order by 1`,
    )
  ).rows

test('debezium: creations, updates, deletions and returns are versions by their lsn; the tombstone is skipped', async () => {
  const world = await aWorld({ stream: customers, partitions: 1 })
  await world.produce([
    change('c', 1, 1, 'ada'),
    change('c', 2, 2, 'bob'),
    change('u', 5, 1, 'ada l.'),
    change('d', 7, 2),
    null,
    change('u', 6, 2, 'late'),
    change('u', 3, 1, 'late'),
    change('d', 7, 2),
  ])
  expect(await world.runOnce({ deadLetterMaxRatio: 1 })).toMatchObject({
    loaded: 6,
    duplicate: 1,
    skipped: 1,
    deadLettered: 0,
  })
  expect(await current(world, 'customers')).toEqual([
    { id: 1, name: 'ada l.', deleted: false },
    { id: 2, name: null, deleted: true },
  ])
  expect(await proofOf(world, customers)).toMatchObject({ balanced: true, findings: [] })
  await world.produce([
    change('c', 9, 2, 'bob again'),
    change('d', 8, 1),
    { op: 'd', source: { name: 'shop' } },
  ])
  expect(await world.runOnce({ deadLetterMaxRatio: 1 })).toMatchObject({ loaded: 2, deadLettered: 1 })
  expect(await current(world, 'customers')).toEqual([
    { id: 1, name: null, deleted: true },
    { id: 2, name: 'bob again', deleted: false },
  ])
  expect(await proofOf(world, customers)).toMatchObject({ balanced: true, findings: [] })
})

const lines = defineStream('lines', {
  title: 'line',
  topic: { key: 'id' },
  envelope: (value) => {
    const [id, version, name] = value?.toString().split(';') ?? []
    if (id === undefined || version === undefined) return { skip: 'nothing' }
    const at = new Date().toISOString()
    if (name === undefined) return { deletion: { id: Number(id) }, version: BigInt(version) }
    return { row: { id: Number(id), version: Number(version), name, at } }
  },
  fields: { id: int(), version: int(), name: text(50), at: instant() },
  eventTime: 'at',
  identity: { latest: 'id', by: 'version' },
})

test('an envelope may tell the version of a deletion that has none in its field', async () => {
  const world = await aWorld({ stream: lines, partitions: 1 })
  await world.produce(['1;1;ada', '1;3', '1;2;late', '2;1;bob'])
  expect(await world.runOnce()).toMatchObject({ loaded: 4, deadLettered: 0 })
  expect(await current(world, 'lines')).toEqual([
    { id: 1, name: null, deleted: true },
    { id: 2, name: 'bob', deleted: false },
  ])
})
