import { describe, expect, test } from 'vitest'
import { createRandom } from '../../producer/random.ts'
import { activityAt, waitForNextSale } from '../../producer/pace.ts'

const HOUR_MS = 3_600_000
const at = (hour: number) => Date.UTC(2026, 10, 21) + hour * HOUR_MS

function waits(hour: number): number[] {
  const random = createRandom(1)
  return Array.from({ length: 5_000 }, () => waitForNextSale(random, at(hour), 1_000, 2_000))
}

const averageWait = (hour: number) => waits(hour).reduce((sum, wait) => sum + wait, 0) / 5_000

describe('the daily rhythm', () => {
  test('stays within the bounds at any hour', () => {
    for (let hour = 0; hour < 24; hour++) {
      expect(Math.min(...waits(hour))).toBeGreaterThanOrEqual(1_000)
      expect(Math.max(...waits(hour))).toBeLessThanOrEqual(2_000)
    }
  })

  test('waits shorter in the evening than at noon, and longest at night', () => {
    expect(averageWait(20)).toBeLessThan(averageWait(12) - 50)
    expect(averageWait(12)).toBeLessThan(averageWait(4) - 200)
  })

  test('moves without a jump, over midnight too', () => {
    for (let minute = 0; minute < 2 * 24 * 60; minute++) {
      const step = activityAt(at(0) + (minute + 1) * 60_000) - activityAt(at(0) + minute * 60_000)
      expect(Math.abs(step)).toBeLessThan(0.01)
    }
  })

  test('waits exactly the interval where both bounds are the same', () => {
    expect(waitForNextSale(createRandom(1), at(12), 500, 500)).toBe(500)
  })
})
