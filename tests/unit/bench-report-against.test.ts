import { describe, expect, test } from 'vitest'
import { renderPairs, type Pair } from '../../scripts/bench/against.ts'
import type { Measured } from '../../scripts/bench/measure.ts'

const NAMES = { this: '1111111 with changes', that: '2222222' }

const measured = (values: Partial<Measured>): Measured => ({
  rate: 10_000,
  seconds: 1,
  cpuSeconds: 2,
  peakBytes: 1,
  postgresCpuSecondsInAll: 4,
  ...values,
})

const ninePairs = (ours: Partial<Measured>, theirs: Partial<Measured> = {}): Pair[] =>
  Array.from({ length: 9 }, () => ({ first: 'this', this: measured(ours), that: measured(theirs) }))

test('each pair, the medians and the exact level of the interval are told', () => {
  const { text, verdict } = renderPairs(ninePairs({ rate: 12_345, cpuSeconds: 1 }), NAMES)
  expect(text).toContain('this: 1111111 with changes, that: 2222222')
  expect(text).toMatch(/pair 9, this first\s+12,345\s+10,000\s+1\.234\s+0\.500\s+1\.000/)
  expect(text).toContain('facts/s, this / that: median 1.234, interval 1.234 to 1.234')
  expect(text).toContain('ETL CPU, this / that: median 0.500')
  expect(text).toContain('rank 2 from below and from above of 9')
  expect(text).toContain('96.09 %')
  expect(verdict.isSlower).toBe(false)
})

test('a twentieth slower in every pair is slower, and says so last', () => {
  const { text, verdict } = renderPairs(ninePairs({ rate: 9_500 }), NAMES)
  expect(verdict.isSlower).toBe(true)
  expect(text.split('\n').at(-1)).toMatch(/^slower: /)
})

describe("Postgres' CPU", () => {
  test('is of the runs alone where both versions tell it', () => {
    const { text } = renderPairs(ninePairs({ postgresCpuSeconds: 3 }, { postgresCpuSeconds: 2 }), NAMES)
    expect(text).toContain('Postgres CPU, this / that: median 1.500')
  })

  test("is of the workers' whole lives where one does not", () => {
    const { text } = renderPairs(ninePairs({ postgresCpuSeconds: 3, postgresCpuSecondsInAll: 5 }), NAMES)
    expect(text).toContain('Postgres CPU, this / that: median 1.250')
  })

  test('is not made up where it is not seen', () => {
    const { text } = renderPairs(ninePairs({ postgresCpuSecondsInAll: undefined }), NAMES)
    expect(text).toContain('Postgres CPU, this / that: n/a')
  })
})
