import { describe, expect, test } from 'vitest'
import { agrees, compare, readSent, type Found } from '../../scripts/demo/compare.ts'
import { INVALID_KINDS } from '../../producer/messages.ts'
import type { StreamTally } from '../../producer/tally.ts'
import { readLogLine } from '../../scripts/demo/screen.ts'

const kindOf = (code: string) => INVALID_KINDS.find(({ expectedCode }) => expectedCode === code)!.kind
const SENT: StreamTally = {
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

function found(overrides: Partial<Found> = {}): Found {
  return {
    loaded: 100,
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
    const comparisons = compare(SENT, found(), INVALID_KINDS)
    expect(comparisons.map((one) => [one.becomes, one.sent, one.found])).toEqual([
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
    ['one fact too few', { loaded: 99 }],
    ['one fact too many', { loaded: 101 }],
    ['a duplicate that was loaded', { loaded: 101, duplicates: 3 }],
    [
      'a code that nobody sent',
      { rejected: [...found().rejected, { code: 'undecodable', count: 1, example: null }] },
    ],
    ['a code that is not there', { rejected: found().rejected.slice(1) }],
  ] as const)('does not agree with %s', (_, overrides) => {
    expect(agrees(compare(SENT, found(overrides), INVALID_KINDS), 0)).toBe(false)
  })

  test('records in doubt may be there or not, and no more than them', () => {
    const answers = [0, 3, 4].map((more) => {
      const all = found({ loaded: 100 + more, consumed: 110 + more })
      return agrees(compare(SENT, all, INVALID_KINDS), 3)
    })
    expect(answers).toEqual([true, true, false])
  })
})

test('what was sent is read from the producer’s last line', () => {
  const sent = { total: 110, streams: { visits: SENT } }
  const line = JSON.stringify({ level: 30, msg: 'sent 110 records', ...sent, seconds: 1 })
  expect(readSent(readLogLine('producer', line))).toEqual(sent)
  expect(() => readSent(readLogLine('producer', '{"msg":"sent 110 records"}'))).toThrow(
    'does not say what it sent',
  )
})
