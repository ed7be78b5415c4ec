import { describe, expect, test } from 'vitest'
import { createRandom, uuidV7, weighted } from '../../producer/random.ts'

const draw = (seed: number, count: number): number[] => {
  const random = createRandom(seed)
  return Array.from({ length: count }, () => random.uint32())
}

describe('a seeded source of chance', () => {
  test('gives the same draws for the same seed', () => {
    expect(draw(7, 1_000)).toEqual(draw(7, 1_000))
  })

  test('gives other draws for the next seed, and for the last one', () => {
    const first = draw(0, 100)
    for (const seed of [1, 2, 4_294_967_295]) {
      expect(draw(seed, 100).filter((n, index) => n === first[index])).toEqual([])
    }
  })

  test('fills its range evenly', () => {
    const random = createRandom(3)
    const buckets = Array.from({ length: 16 }, () => 0)
    for (let n = 0; n < 160_000; n++) buckets[Math.floor(random.unit() * 16)]!++
    // 10,000 expected in each; five standard deviations (97) round it.
    for (const count of buckets) expect(Math.abs(count - 10_000)).toBeLessThan(485)
  })

  test('draws whole numbers with both ends included', () => {
    const random = createRandom(1)
    const seen = new Set(Array.from({ length: 200 }, () => random.between(3, 6)))
    expect(seen).toEqual(new Set([3, 4, 5, 6]))
  })

  test('draws normal numbers with mean 0 and deviation 1', () => {
    const random = createRandom(1)
    const values = Array.from({ length: 50_000 }, () => random.normal())
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length
    expect(mean).toBeCloseTo(0, 1)
    expect(variance).toBeCloseTo(1, 1)
  })

  test('draws in proportion to weights', () => {
    const random = createRandom(1)
    const drawLetter = weighted(['a', 'b', 'c'] as const, (letter) => ({ a: 1, b: 3, c: 6 })[letter])
    const letters = Array.from({ length: 20_000 }, () => drawLetter(random))
    const share = (letter: string) => letters.filter((drawn) => drawn === letter).length / letters.length
    expect(share('a')).toBeCloseTo(0.1, 1)
    expect(share('b')).toBeCloseTo(0.3, 1)
    expect(share('c')).toBeCloseTo(0.6, 1)
  })

  test('refuses to draw from nothing', () => {
    expect(() => createRandom(1).pick([])).toThrow(RangeError)
    expect(() => weighted([], () => 1)).toThrow(RangeError)
  })
})

describe('a version 7 UUID', () => {
  // The example of RFC 9562, appendix A.6, has this time.
  const TIME = Date.UTC(2022, 1, 22, 19, 22, 22)

  test('starts with the time and carries version and variant', () => {
    const random = createRandom(1)
    for (let n = 0; n < 1_000; n++) {
      expect(uuidV7(random, TIME)).toMatch(/^017f22e2-79b0-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    }
  })

  test('is never twice the same within a millisecond', () => {
    const random = createRandom(1)
    expect(new Set(Array.from({ length: 50_000 }, () => uuidV7(random, TIME))).size).toBe(50_000)
  })
})
