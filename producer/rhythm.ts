import type { Random } from './random.ts'

/**
 * How busy the shop is at each full hour, UTC: 0 is its quietest, 1 its busiest. Few buy before dawn,
 * some over lunch, most in the evening.
 */
const ACTIVITY_BY_HOUR = [
  0.3, 0.16, 0.07, 0.02, 0, 0.03, 0.1, 0.22, 0.36, 0.47, 0.55, 0.62, 0.68, 0.64, 0.58, 0.56, 0.6, 0.7, 0.84,
  0.95, 1, 0.93, 0.74, 0.5,
]
const HOUR_MS = 3_600_000

/** 0 to 1, in a straight line from each full hour to the next. */
export function activityAt(time: number): number {
  const hours = (time / HOUR_MS) % 24
  const hour = Math.floor(hours)
  const from = ACTIVITY_BY_HOUR[hour]!
  const to = ACTIVITY_BY_HOUR[(hour + 1) % 24]!
  return from + (to - from) * (hours - hour)
}

/**
 * How long to wait for the next sale, in milliseconds, always from `min` to `max`. A random share of
 * the way between them, raised to 4^(2 × activity - 1): on average a fifth of the way in the busiest
 * hour, half of it in an ordinary one and four fifths in the quietest.
 */
export function waitForNextSale(random: Random, time: number, min: number, max: number): number {
  return min + (max - min) * random.unit() ** (4 ** (2 * activityAt(time) - 1))
}
