import { describe, expect, test } from 'vitest'
import { compare, judge } from '../../scripts/bench/verdict.ts'

/** Nine ratios, of which the interval is from the second to the eighth. */
const between = (low: number, high: number) => {
  const middle = (low + high) / 2
  return judge(compare([low - 1, low, middle, middle, middle, middle, middle, high, high + 1]))
}

test('the median and the interval are of the ratios, in whatever order they came', () => {
  const ratios = [1.05, 0.9, 1, 1.01, 0.97, 1.02, 0.99, 1.1, 0.98]
  expect(compare(ratios)).toMatchObject({
    median: 1,
    interval: { low: 0.97, high: 1.05, level: 1 - 20 / 512 },
  })
})

describe('slower', () => {
  test.each([
    [0.8, 0.9],
    [0.95, 0.9699],
  ])('is an interval from %d to %d: all of it is a slowdown of more than 3 %%', (low, high) => {
    const { isSlower, words } = between(low, high)
    expect(isSlower).toBe(true)
    expect(words).toBe('slower: the whole interval is below 0.97, a slowdown of more than 3 %')
  })
})

describe('no slower', () => {
  test.each([
    [0.9, 0.97],
    [0.9, 1.1],
    [0.98, 0.99],
    [1.1, 1.2],
  ])('is an interval from %d to %d', (low, high) => {
    const { isSlower, words } = between(low, high)
    expect(isSlower).toBe(false)
    expect(words).toMatch(/^no slower: /)
  })

  test('says how much of a slowdown it would have overlooked', () => {
    expect(between(0.925, 1.1).words).toContain('one of up to 7.5 % is not excluded')
    expect(between(0.97, 1.1).words).not.toContain('excluded')
  })
})
