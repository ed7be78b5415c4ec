import { describe, expect, test } from 'vitest'
import { addGone, addPart, NO_FIGURES } from '../../etl/replay/figures.ts'
import { type StoredDerivation, compare } from '../../etl/replay/derivations.ts'
import { aFact } from '../support/a-transaction.ts'

const stored = (of: ReturnType<typeof aFact>, changes: Partial<StoredDerivation> = {}) =>
  [
    of.offset,
    {
      offset: of.offset,
      taxCents: of.taxCents,
      totalCents: of.totalCents,
      isFraudFlagged: of.isFraudFlagged,
      fraudScore: of.fraudScore,
      fraudReasons: of.fraudReasons,
      sameValues: true,
      ...changes,
    },
  ] as const

const many = (count: number, currency: string) =>
  Array.from({ length: count }, (_, offset) => aFact({ offset, currency, amountCents: 999_999_999_999 }))

describe('a fact differs from what is stored of it', () => {
  const fact = aFact({ offset: 7 })
  test.each<[string, Partial<StoredDerivation>]>([
    ['tax', { taxCents: 1 }],
    ['total', { totalCents: 1 }],
    ['flag', { isFraudFlagged: true }],
    ['score', { fraudScore: 1 }],
    ['one more reason', { fraudReasons: ['a'] }],
  ])('by its %s', (_, changes) => {
    expect(compare([fact], new Map([stored(fact, changes)])).changed).toHaveLength(1)
  })

  test('by another reason, or another order of them', () => {
    const flagged = aFact({ offset: 7, fraudReasons: ['a', 'b'] })
    for (const fraudReasons of [['b', 'a'], ['a', 'c'], ['a']])
      expect(compare([flagged], new Map([stored(flagged, { fraudReasons })])).changed).toHaveLength(1)
  })

  test('by nothing of it: it is the same', () => {
    expect(compare([fact], new Map([stored(fact)]))).toMatchObject({ same: [{ fact }], changed: [] })
  })

  test('one with other contract values is neither, one that is not there is nothing', () => {
    const none = { same: [], changed: [] }
    expect(compare([fact], new Map([stored(fact, { sameValues: false, taxCents: 1 })]))).toEqual({
      ...none,
      otherValues: 1,
    })
    expect(compare([fact], new Map())).toEqual({ ...none, otherValues: 0 })
  })
})

describe('figures', () => {
  test('grow part by part, by currency, exactly, with the first samples', () => {
    let so = NO_FIGURES
    for (const currency of ['USD', 'EUR', 'USD']) {
      const facts = many(4, currency)
      const compared = compare(
        facts,
        new Map(facts.map((fact) => stored(fact, { taxCents: 1, isFraudFlagged: false }))),
      )
      so = addPart(so, { offsets: 10, records: 6, notValid: 1, compared })
    }
    expect(so).toMatchObject({
      offsets: 30,
      records: 18,
      notValid: 3,
      withoutFact: 3,
      facts: 12,
      changed: 12,
      flagged: { before: 0, after: 12 },
      tax: {
        EUR: { before: '0.04', after: '3400000000.00' },
        USD: { before: '0.08', after: '6800000000.00' },
      },
    })
    expect(Object.keys(so.tax)).toEqual(['EUR', 'USD'])
    expect(so.samples).toHaveLength(5)
    expect(addGone(so, 5)).toMatchObject({ offsets: 35, gone: 5, records: 18 })
  })

  test('hold sums that a number does not', () => {
    const [fact] = many(1, 'EUR')
    const compared = compare([fact!], new Map([stored(fact!, { taxCents: 1 })]))
    const so = { ...NO_FIGURES, tax: { EUR: { before: '90071992547409.92', after: '90071992547409.93' } } }
    const { tax } = addPart(so, { offsets: 1, records: 1, notValid: 0, compared })
    expect(tax).toEqual({ EUR: { before: '90071992547409.93', after: '90072842547409.93' } })
  })
})
