import { expect, test } from 'vitest'
import { differences, type Books } from '../../scripts/bench/measure.ts'

const SENT = { records: 1_000, facts: 950, duplicates: 20, deadLetters: 30 }
const BOOKS: Books = {
  facts: 950,
  keys: 950,
  deadLetters: 30,
  consumed: 1_000,
  loaded: 950,
  duplicate: 20,
  deadLettered: 30,
}

test('a warehouse that is as sent has no differences', () => {
  expect(differences(SENT, BOOKS)).toEqual([])
})

test.each(Object.keys(BOOKS) as (keyof Books)[])(
  'one more or fewer in %s is told with both counts',
  (count) => {
    for (const off of [-1, 1]) {
      const [first] = differences(SENT, { ...BOOKS, [count]: BOOKS[count] + off })
      expect(first).toMatch(new RegExp(`: ${BOOKS[count] + off} where ${BOOKS[count]} were expected$`))
    }
  },
)

test('a ledger that does not balance is told', () => {
  expect(differences(SENT, { ...BOOKS, duplicate: 19 })).toContain(
    'ledger: 1000 consumed, but 950 loaded, 19 duplicate and 30 dead-lettered',
  )
})
