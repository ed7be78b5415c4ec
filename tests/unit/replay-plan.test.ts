import { describe, expect, test } from 'vitest'
import { replayRange, clip, type AskedOffsets } from '../../etl/replay/plan.ts'

const clipped = (asked: AskedOffsets, start: number) =>
  clip(asked, { start, progress: { incarnation: 1, firstOffset: 10, nextOffset: 100 } })
const accepts = (value: unknown) => replayRange.safeParse(value).success

describe('the offsets that can be read again', () => {
  test.each<[string, AskedOffsets, number, [number, number], string[]]>([
    ['everything', { from: undefined, to: undefined }, 10, [10, 100], []],
    ['inside', { from: 20, to: 30 }, 10, [20, 30], []],
    ['to the end', { from: 20, to: undefined }, 0, [20, 100], []],
    [
      'before the first',
      { from: 5, to: 20 },
      0,
      [10, 20],
      ['offsets 5 to 9 were not loaded in incarnation 1, which begins at 10'],
    ],
    [
      'before the log',
      { from: undefined, to: 20 },
      15,
      [15, 20],
      ['offsets 10 to 14 are no longer in Kafka: their facts stay as they are'],
    ],
    [
      'beyond the watermark',
      { from: 90, to: 110 },
      10,
      [90, 100],
      ['offsets 100 to 109 are not loaded yet: they will be by the current code'],
    ],
    [
      'where the log has passed the watermark',
      { from: undefined, to: undefined },
      120,
      [120, 100],
      ['offsets 10 to 99 are no longer in Kafka: their facts stay as they are'],
    ],
  ])('%s', (_, asked, start, [from, to], notes) => {
    expect(clipped(asked, start)).toEqual({ from, to, notes })
  })

  test('a range beyond the watermark without an end is empty, not negative', () => {
    const { from, to } = clipped({ from: 150, to: undefined }, 0)
    expect(to).toBeLessThanOrEqual(from)
  })
})

describe('a range', () => {
  test.each([
    { kind: 'all' },
    { kind: 'offsets', partition: 0, from: 0 },
    { kind: 'offsets', partition: 2, from: 5, to: 6 },
    { kind: 'time', from: '2026-03-01T12:00:00Z' },
    { kind: 'time', from: '2026-03-01T12:00:00+02:00', to: '2026-03-01T11:00:00Z' },
  ])('%j is one', (value) => {
    expect(accepts(value)).toBe(true)
  })
  test.each([
    { kind: 'everything' },
    { kind: 'all', partition: 0 },
    { kind: 'offsets', from: 0, to: 1 },
    { kind: 'offsets', partition: 0, from: 5, to: 5 },
    { kind: 'offsets', partition: -1, from: 5 },
    { kind: 'offsets', partition: 0, from: 0.5 },
    { kind: 'time', from: 'yesterday' },
    { kind: 'time', from: '2026-03-01T12:00:00' },
    { kind: 'time', from: '2026-03-01T12:00:00+02:00', to: '2026-03-01T10:00:00Z' },
  ])('%j is none', (value) => {
    expect(accepts(value)).toBe(false)
  })
})
