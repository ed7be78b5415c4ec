import { expect, test } from 'vitest'
import { compileWith } from '../../etl/stream/compile.ts'
import { transform } from '../../etl/job/transform.ts'
import { aParcel, aParcelFact, aParcelRecord, parcels } from '../support/a-parcel.ts'
import { visits } from '../support/streams/visits.ts'

test('a fact is what the record says with its offset, its identity and what is derived of it', () => {
  const row = aParcel({ fee: 1_000_01 })
  const derived = { surcharge: 85_00, total: 1_085_01, is_dear: true, rank: 50, remarks: ['fee over 1000'] }
  expect(transform([{ record: aParcelRecord('', { offset: 42 }), row }], parcels)).toEqual([
    { offset: 42, identity: row['parcel_id'], row: { ...row, ...derived } },
  ])
})

test('of a stream that derives nothing it is what the record says', () => {
  const row = { session: 's', page: '/', at: 7, kind: 'view', seconds: null }
  const [fact] = transform([{ record: aParcelRecord(''), row }], compileWith(visits, undefined))
  expect(fact).toEqual({ offset: 0, identity: '7\0s\0/', row })
})

test('the rules are those that are given', () => {
  const taxed = { ...parcels.definition, derive: (_: unknown, rules: unknown) => ({ surcharge: rules }) }
  const valid = [{ record: aParcelRecord(''), row: aParcel() }]
  expect(transform(valid, compileWith(taxed, 7))[0]?.row).toMatchObject({ surcharge: 7 })
})

test('the order of the records is kept, and the same ones give the same facts again', () => {
  const valid = [7, 3, 5].map((offset) => ({ record: aParcelRecord('', { offset }), row: aParcel() }))
  expect(transform(valid, parcels).map((fact) => fact.offset)).toEqual([7, 3, 5])
  expect(transform(valid, parcels)).toEqual(transform(valid, parcels))
})

test('the factory of facts derives what is not overridden', () => {
  expect(aParcelFact({ fee: 2_000_00 }).row).toMatchObject({ surcharge: 170_00, is_dear: true })
  expect(aParcelFact({ fee: 2_000_00, surcharge: 1 }).row['surcharge']).toBe(1)
})
