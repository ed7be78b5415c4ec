import { expect, test } from 'vitest'
import { inOrder, limitsAfter, restLeft, twice } from '../../etl/job/crash-loop.ts'
import type { Crashes } from '../../etl/ledger/crashes.ts'

const FULL = { maxRecords: 1_000, maxBytes: 8_388_608 }
const crashes = (count: number, more: Partial<Crashes> = {}): Crashes => ({
  count,
  takenUpAgoMs: 0,
  ...more,
})

test('each death makes the first batch a quarter, down to one record, and each batch loaded twice as large', () => {
  const sizes = [0, 1, 2, 3, 4, 5, 50].map((count) => limitsAfter(count, FULL).maxRecords)
  expect(sizes).toEqual([1_000, 250, 62, 15, 3, 1, 1])
  expect(limitsAfter(1, FULL).maxBytes).toBe(2_097_152)
  expect(limitsAfter(50, FULL).maxBytes).toBe(1)

  let limits = limitsAfter(50, FULL)
  for (let batch = 0; batch < 30; batch += 1) limits = twice(limits, FULL)
  expect(limits).toEqual(FULL)
})

test('without crashes all partitions go side by side, and so does one that saw a single one', () => {
  expect(inOrder([0, 1, 2], new Map([[1, crashes(1)]]))).toEqual({ together: [0, 1, 2], alone: [] })
})

test('who saw several goes alone behind the others, the least suspect and longest waiting first', () => {
  const suspects = new Map([
    [0, crashes(4)],
    [1, crashes(2, { takenUpAgoMs: 1_000 })],
    [2, crashes(2, { takenUpAgoMs: 2_000 })],
    [3, crashes(2, { takenUpAgoMs: 3_000 })],
  ])
  expect(inOrder([0, 1, 2, 3, 4], suspects)).toEqual({ together: [4], alone: [3, 2, 1, 0] })
})

test.each([
  ['some crashes, be it of one record alone', crashes(7), 0],
  ['so many that it is no chance', crashes(8), 10_000],
  ['one more', crashes(9), 20_000],
  ['one more, some time ago', crashes(9, { takenUpAgoMs: 15_000 }), 5_000],
  ['one more, long ago', crashes(9, { takenUpAgoMs: 120_000 }), 0],
  ['very many', crashes(1_000), 120_000],
])('a partition rests after %s', (_what, suspect, left) => {
  expect(restLeft(suspect, FULL)).toBe(left)
})

test('a partition does not rest before it was tried with one record', () => {
  const full = { maxRecords: 100_000, maxBytes: 67_108_864 }
  expect(restLeft(crashes(8), full)).toBe(0)
  expect(restLeft(crashes(9), full)).toBeGreaterThan(0)
})
