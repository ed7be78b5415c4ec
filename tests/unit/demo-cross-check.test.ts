import { describe, expect, test } from 'vitest'
import { agrees, compare, readSent, type Sent, type Summary } from '../../scripts/demo/accounts.ts'
import { INVALID_KINDS } from '../../producer/messages.ts'
import { readLogLine } from '../../scripts/demo/screen.ts'

const kindOf = (code: string) => INVALID_KINDS.find(({ expectedCode }) => expectedCode === code)!.kind
const SENT: Sent = {
  total: 110,
  sent: { valid: 100, duplicate: 4, conflicting: 2, invalid: 4 },
  invalidKinds: {
    not_json: 1,
    blank: 1,
    [kindOf('schema_violation')]: 1,
    [kindOf('timestamp_out_of_range')]: 1,
  },
  inDoubt: 0,
}

function aSummary(overrides: Partial<Summary> = {}): Summary {
  return {
    currencies: [],
    categories: [],
    transactions: 100,
    flagged: 0,
    largest: [],
    rejected: [
      { code: 'malformed_json', count: 2, example: null },
      { code: 'conflicting_duplicate', count: 2, example: null },
      { code: 'schema_violation', count: 1, example: null },
      { code: 'timestamp_out_of_range', count: 1, example: null },
    ],
    consumed: 110,
    duplicates: 4,
    ...overrides,
  }
}

describe('the cross-check', () => {
  test('holds each kind against what it must become, the broken ones by their codes', () => {
    const comparisons = compare(SENT, aSummary())
    expect(comparisons.map(({ becomes, sent, found }) => [becomes, sent, found])).toEqual([
      ['loaded', 100, 100],
      ['duplicate', 4, 4],
      ['malformed_json', 2, 2],
      ['schema_violation', 1, 1],
      ['timestamp_out_of_range', 1, 1],
      ['conflicting_duplicate', 2, 2],
      ['consumed', 110, 110],
    ])
    expect(agrees(comparisons, 0)).toBe(true)
  })

  test.each([
    ['one fact too few', { transactions: 99 }],
    ['one fact too many', { transactions: 101 }],
    ['a duplicate that was loaded', { transactions: 101, duplicates: 3 }],
    [
      'a code that nobody sent',
      { rejected: [...aSummary().rejected, { code: 'undecodable', count: 1, example: null }] },
    ],
    ['a code that is not there', { rejected: aSummary().rejected.slice(1) }],
  ] as const)('does not agree with %s', (_, overrides) => {
    expect(agrees(compare(SENT, aSummary(overrides)), 0)).toBe(false)
  })

  test('records in doubt may be there or not, and no more than them', () => {
    const answers = [0, 3, 4].map((more) => {
      const summary = aSummary({ transactions: 100 + more, consumed: 110 + more })
      return agrees(compare(SENT, summary), 3)
    })
    expect(answers).toEqual([true, true, false])
  })
})

test('what was sent is read from the producer’s last line', () => {
  const line = JSON.stringify({ level: 30, msg: 'sent 110 records', ...SENT, seconds: 1 })
  expect(readSent(readLogLine('producer', line))).toEqual(SENT)
  expect(() => readSent(readLogLine('producer', '{"msg":"sent 110 records"}'))).toThrow(
    'does not say what it sent',
  )
})
