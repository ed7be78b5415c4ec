import { describe, expect, test } from 'vitest'
import { addGone, addPart, NO_FIGURES } from '../../etl/replay/figures.ts'
import { compare } from '../../etl/replay/compare.ts'
import type { StoredDerivation } from '../../etl/stream/facts.ts'
import type { Row } from '../../etl/stream/field.ts'
import { aParcelFact, parcels } from '../support/a-parcel.ts'

const stored = (
  { offset, row }: ReturnType<typeof aParcelFact>,
  {
    sameValues = true,
    isForgotten = false,
    ...changes
  }: Row & { sameValues?: boolean; isForgotten?: boolean } = {},
): [number, StoredDerivation] => {
  const derived = Object.fromEntries(parcels.derived.map(({ field }) => [field, row[field]]))
  return [offset, { offset, sameValues, isForgotten, derived: { ...derived, ...changes } }]
}
const held = (facts: ReturnType<typeof aParcelFact>[], there: ReadonlyMap<number, StoredDerivation>) =>
  compare(facts, there, parcels.derived)

const many = (count: number, currency: string) =>
  Array.from({ length: count }, (_, offset) => aParcelFact({ offset, currency, fee: 999_999_999_999 }))

describe('a fact differs from what is stored of it', () => {
  const fact = aParcelFact({ offset: 7 })
  test.each<[string, Row]>([
    ['surcharge', { surcharge: 1 }],
    ['total', { total: 1 }],
    ['flag', { is_dear: true }],
    ['rank', { rank: 1 }],
    ['one more remark', { remarks: ['a'] }],
  ])('by its %s', (_, changes) => {
    expect(held([fact], new Map([stored(fact, changes)])).changed).toHaveLength(1)
  })

  test('by another remark, or another order of them', () => {
    const flagged = aParcelFact({ offset: 7, remarks: ['a', 'b'] })
    for (const remarks of [['b', 'a'], ['a', 'c'], ['a']])
      expect(held([flagged], new Map([stored(flagged, { remarks })])).changed).toHaveLength(1)
  })

  test('by nothing of it: it is the same', () => {
    expect(held([fact], new Map([stored(fact)]))).toMatchObject({ same: [{ fact }], changed: [] })
  })

  test('one with other contract values is neither, one that is not there is nothing', () => {
    const none = { same: [], changed: [], forgotten: 0 }
    expect(held([fact], new Map([stored(fact, { sameValues: false, surcharge: 1 })]))).toEqual({
      ...none,
      otherValues: 1,
    })
    expect(held([fact], new Map())).toEqual({ ...none, otherValues: 0 })
    expect(held([fact], new Map([stored(fact, { isForgotten: true, surcharge: 1 })]))).toEqual({
      ...none,
      otherValues: 0,
      forgotten: 1,
    })
  })
})

describe('figures', () => {
  test('grow part by part, by currency, exactly, with the first samples', () => {
    let so = NO_FIGURES
    for (const currency of ['USD', 'EUR', 'USD']) {
      const facts = many(4, currency)
      const compared = held(
        facts,
        new Map(facts.map((fact) => stored(fact, { surcharge: 1, is_dear: false }))),
      )
      so = addPart(parcels, so, { offsets: 10, records: 6, notValid: 1, compared })
    }
    expect(so).toMatchObject({
      offsets: 30,
      records: 18,
      notValid: 3,
      withoutFact: 3,
      facts: 12,
      changed: 12,
      dear: { before: 0, after: 12 },
      surcharge: {
        EUR: { before: '0.04', after: '3400000000.00' },
        USD: { before: '0.08', after: '6800000000.00' },
      },
    })
    expect(Object.keys((so as unknown as { surcharge: object }).surcharge)).toEqual(['EUR', 'USD'])
    expect(so.samples).toHaveLength(5)
    expect(addGone(so, 5)).toMatchObject({ offsets: 35, gone: 5, records: 18 })
  })

  test('hold sums that a number does not', () => {
    const [fact] = many(1, 'EUR')
    const compared = held([fact!], new Map([stored(fact!, { surcharge: 1 })]))
    const so = {
      ...NO_FIGURES,
      surcharge: { EUR: { before: '90071992547409.92', after: '90071992547409.93' } },
    }
    const grown = addPart(parcels, so, { offsets: 1, records: 1, notValid: 0, compared })
    expect(grown).toMatchObject({
      surcharge: { EUR: { before: '90071992547409.93', after: '90072842547409.93' } },
    })
  })
})
