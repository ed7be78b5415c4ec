import { expect, test } from 'vitest'
import { deletesBy } from '../../etl/stream/deletions.ts'
import { createEncoder } from '../../producer/encode.ts'
import { invalidKinds } from '../../producer/invalid.ts'
import { createRandom } from '../../producer/random.ts'
import { versionsOf } from '../../producer/versions.ts'
import { goods } from '../support/goods/goods.ts'
import { prices } from '../support/prices/prices.ts'
import { visits } from '../support/streams/visits.ts'

test('versions of a key come one after the other, some of them deletions; new keys come too', () => {
  const versions = versionsOf(goods, createRandom(1))!
  const rows = Array.from({ length: 2_000 }, (_, i) =>
    versions.next({ product_id: `new ${i}`, version: 1, name: `name ${i}`, is_gone: true }),
  )
  const byKey = Map.groupBy(rows, ({ product_id }) => product_id)
  expect(byKey.size).toBeGreaterThan(600)
  expect(byKey.size).toBeLessThan(1_000)
  for (const of of byKey.values()) expect(of.map(({ version }) => version)).toEqual(of.map((_, i) => i + 1))
  expect(new Set(rows.map(({ name }) => name)).size).toBe(2_000)
  const deleted = rows.filter(deletesBy(goods)!).length
  expect(deleted).toBeGreaterThan(50)
  expect(deleted).toBeLessThan(200)
})

test('of versions by their time that is the version, and it grows', () => {
  const byTime = { ...goods, identity: { latest: 'product_id', by: 'updated_at' } }
  const versions = versionsOf(byTime, createRandom(1))!
  const rows = Array.from({ length: 200 }, (_, i) =>
    versions.next({ product_id: `new ${i}`, updated_at: 1_000 + Math.floor(i / 50) }),
  )
  for (const of of Map.groupBy(rows, ({ product_id }) => product_id).values()) {
    const times = of.map(({ updated_at }) => updated_at as number)
    expect(times).toEqual([...new Set(times)].toSorted((a, b) => a - b))
  }
})

test('what the log orders has keys that come again', () => {
  const versions = versionsOf(prices, createRandom(1))!
  const rows = Array.from({ length: 100 }, (_, i) => versions.next({ sku: `new ${i}`, price: i }))
  expect(new Set(rows.map(({ sku }) => sku)).size).toBeLessThan(60)
  expect(new Set(rows.map(({ price }) => price)).size).toBe(100)
})

test('what happens once has no versions', () => {
  expect(versionsOf(visits, createRandom(1))).toBeUndefined()
})

const kinds = (stream: typeof goods) => invalidKinds(stream, createEncoder(stream)).map(({ kind }) => kind)

test('a record without a value is invalid, unless the key says what it deletes', () => {
  expect(kinds(goods)).toContain('null_value')
  expect(kinds(prices)).not.toContain('null_value')
})
