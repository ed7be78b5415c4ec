import { describe, expect, test } from 'vitest'
import { median, medianInterval } from '../../scripts/bench/statistics.ts'

const upTo = (n: number): number[] => Array.from({ length: n }, (_, index) => index + 1)

describe('median', () => {
  test.each([
    [[3], 3],
    [[9, 1, 5], 5],
    [[4, 1, 3, 2], 2.5],
    [[10, 9, 100], 10],
  ])('of %j is %d', (values, expected) => {
    expect(median(values)).toBe(expected)
  })

  test('leaves the values as they were', () => {
    const values = [3, 1, 2]
    median(values)
    expect(values).toEqual([3, 1, 2])
  })

  test('of nothing is refused', () => {
    expect(() => median([])).toThrow(RangeError)
  })
})

describe('the interval of the median', () => {
  // Ranks and levels as in tables of the sign test (n, the ranks of both ends, the exact level).
  test.each([
    [6, 1, 6, 1 - 2 / 64],
    [9, 2, 8, 1 - 20 / 512],
    [10, 2, 9, 1 - 22 / 1024],
    [12, 3, 10, 1 - 158 / 4096],
    [15, 4, 12, 1 - 1152 / 32_768],
    [20, 6, 15, 0.9586105],
    [25, 8, 18, 0.9567147],
    [99, 40, 60, 0.9561247],
  ])('of %d values goes from the %d. to the %d.', (n, from, to, level) => {
    const interval = medianInterval(upTo(n).reverse(), 0.95)
    expect(interval).toMatchObject({ low: from, high: to, rank: from })
    expect(interval.level).toBeCloseTo(level, 4)
  })

  test('holds what it asks for, and the next narrower one would not', () => {
    for (let n = 6; n <= 99; n++) {
      const { level, rank } = medianInterval(upTo(n), 0.95)
      expect(level).toBeGreaterThanOrEqual(0.95)
      expect(coverage(n, rank + 1)).toBeLessThan(0.95)
    }
  })

  test('of too few values is refused', () => {
    expect(() => medianInterval(upTo(5), 0.95)).toThrow('5 values are too few for an interval of 0.95')
  })
})

/** By counting: the share of all 2^n ways to fall that leave at least `rank` values on either side. */
function coverage(n: number, rank: number): number {
  const ways = [1]
  for (let row = 0; row < n; row++) for (let k = row + 1; k > 0; k--) ways[k] = (ways[k] ?? 0) + ways[k - 1]!
  const inside = ways.slice(rank, n + 1 - rank).reduce((sum, count) => sum + count, 0)
  return inside / 2 ** n
}
