import type { Draw, Row } from './field.ts'

/** Chance that can be had a second time: the same seed gives the same draws. Not for secrets. */
export interface Random extends Draw {
  /** A whole number from 0 to 2^32 - 1. */
  uint32(): number
  /** From 0 up to, and without, 1. */
  unit(): number
  /** A whole number from `min` to `max`, both included. */
  between(min: number, max: number): number
  /** True with this probability, 0 to 1. */
  chance(probability: number): boolean
  pick<T>(items: readonly T[]): T
  /** From the normal distribution with mean 0 and standard deviation 1. */
  normal(): number
}

/**
 * Plausible records of a stream: each call of what it gives is the next one, at a time in milliseconds since the
 * epoch. The word of a field draws what is left out.
 *
 * @example
 * export const samples = { visits: (random) => () => ({ page: random.pick(['/', '/about']) }) }
 */
export type Samples = (random: Random) => (time: number) => Row

/** Draws items in proportion to their weights, which need not sum up to anything. */
export function weighted<T>(items: readonly T[], weightOf: (item: T) => number): (random: Random) => T {
  if (items.length === 0) throw new RangeError('nothing to pick from')
  let total = 0
  const upTo = items.map((item) => (total += weightOf(item)))
  return (random) => {
    const drawn = random.unit() * total
    // Rounding in the sums may leave the drawn number above the last bound: then it is the last item.
    const index = upTo.findIndex((bound) => drawn < bound)
    return items[index === -1 ? items.length - 1 : index]!
  }
}
