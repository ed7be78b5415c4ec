import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { firstOfEachIdentity, settleDuplicates } from '../../etl/job/duplicates.ts'
import type { Fact } from '../../etl/stream/types.ts'
import type { Row } from '../../etl/stream/field.ts'
import { aParcel, aParcelFact, aParcelRecord, parcels } from '../support/a-parcel.ts'

const PARCEL = '11111111-1111-4111-8111-111111111111'

/** The same parcel, at this offset. */
const again = (offset: number, changes: Parameters<typeof aParcelFact>[0] = {}) =>
  aParcelFact({ parcel_id: PARCEL, offset, ...changes })

function settle(facts: readonly Fact[], existing: readonly Row[] = []) {
  const byIdentity = new Map(existing.map((row) => [parcels.identity.of(row), row]))
  return settleDuplicates(parcels, facts, firstOfEachIdentity(facts), byIdentity, (offset) =>
    aParcelRecord('', { offset }),
  )
}

const stored = (changes: Row = {}): Row => aParcel({ parcel_id: PARCEL, ...changes })

test('the lowest offset wins, the same values again are duplicates', () => {
  const facts = [again(4), aParcelFact({ offset: 5 }), again(6), again(7)]
  const settled = settle(facts)
  expect(settled.fresh.map(({ offset }) => offset).sort((a, b) => a - b)).toEqual([4, 5])
  expect(settled).toMatchObject({ duplicates: 2, conflicts: [] })
})

test.for([
  ['fee', { fee: 1 }],
  ['currency', { currency: 'USD' }],
  ['weighed', { weighed: 1 }],
  ['sender', { sender: 'another' }],
  ['depot', { depot: 'another' }],
] as const)('another %s is a conflict that names it', ([field, change]) => {
  for (const settled of [settle([again(4), again(5, change)]), settle([again(5, change)], [stored()])]) {
    expect(settled.duplicates).toBe(0)
    expect(settled.conflicts).toMatchObject([
      { code: 'conflicting_duplicate', record: { offset: 5 }, issues: [{ field }] },
    ])
  }
})

test('a conflict names every field that differs, and the parcel', () => {
  const { conflicts } = settle([again(4), again(5, { fee: 1, currency: 'USD' })])
  expect(conflicts[0]?.issues.map(({ field }) => field)).toEqual(['fee', 'currency'])
  expect(conflicts[0]?.issues[0]?.message).toContain(PARCEL)
})

test('what a rule derived does not make a conflict', () => {
  expect(settle([again(4), again(5, { surcharge: 0, is_dear: true })]).duplicates).toBe(1)
})

test('a parcel in the warehouse decides over the batch’s lowest offset', () => {
  const settled = settle([again(4), again(5, { fee: 1 })], [stored({ fee: 1 })])
  expect(settled.fresh).toEqual([])
  expect(settled.conflicts.map(({ record }) => record.offset)).toEqual([4])
  expect(settled.duplicates).toBe(1)
})

test('of a parcel whose fact was dropped for its age only the timestamp is compared', () => {
  const old: Row = { parcel_id: PARCEL, weighed: aParcel()['weighed'] }
  expect(settle([again(4, { fee: 1 })], [old]).duplicates).toBe(1)
  expect(settle([again(4, { weighed: 1 })], [old]).conflicts).toHaveLength(1)
})

test('firsts are one for each identity, the lowest offset, sorted by it', () => {
  const [b, a] = ['bbbbbbbb-1111-4111-8111-111111111111', 'aaaaaaaa-1111-4111-8111-111111111111']
  const firsts = firstOfEachIdentity(
    [b, a, b, a].map((parcel_id, offset) => aParcelFact({ parcel_id, offset })),
  )
  expect(firsts.map(({ identity, offset }) => [identity, offset])).toEqual([
    [a, 1],
    [b, 0],
  ])
})

const numbered = (n: number) => `00000000-0000-4000-8000-00000000000${n}`

test('every fact becomes exactly one thing', () => {
  const few = fc.integer({ min: 0, max: 3 })
  fc.assert(
    fc.property(fc.array(fc.record({ parcel: few, fee: few })), fc.array(few), (sent, there) => {
      const facts = sent.map(({ parcel: n, fee }, offset) =>
        aParcelFact({ parcel_id: numbered(n), fee: fee + 1, offset }),
      )
      const existing = [...new Set(there)]
        .filter((n) => sent.some((one) => one.parcel === n))
        .map((n) => stored({ parcel_id: numbered(n) }))
      const { fresh, duplicates, conflicts } = settle(facts, existing)
      expect(fresh.length + duplicates + conflicts.length).toBe(facts.length)
      expect(new Set(fresh.map(({ identity }) => identity)).size).toBe(fresh.length)
    }),
  )
})
