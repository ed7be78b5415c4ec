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

/**
 * What several streams tell of one world, so that they agree: who buys is a customer, and pays the catalogue's price.
 *
 * @example
 * export const story = {
 *   streams: ['visits', 'orders'],
 *   open: (random) => (time) => [['visits', aVisit(random, time)], ['orders', anOrder(random, time)]],
 * }
 */
export interface Story {
  /** The streams that it tells of. */
  readonly streams: readonly string[]
  /**
   * Each call of what it gives is what happens next, at a time in milliseconds since the epoch: rows in their order. The
   * word of a field draws what a row leaves out.
   */
  open(this: void, random: Random): (time: number) => readonly (readonly [stream: string, row: Row])[]
}

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

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))
const hex32 = (n: number): string =>
  HEX[n >>> 24]! + HEX[(n >>> 16) & 0xff]! + HEX[(n >>> 8) & 0xff]! + HEX[n & 0xff]!
const hex16 = (n: number): string => HEX[(n >>> 8) & 0xff]! + HEX[n & 0xff]!

/**
 * A version 7 UUID (RFC 9562, 5.7): 48 bits of time, 74 bits of chance.
 *
 * Not version 4: with the time in it a run that is repeated with its seed, such as a container that
 * starts again, makes other orders than before instead of conflicting duplicates of them. And ids that
 * rise with time are kinder to the index of the warehouse's key table.
 *
 * @param time milliseconds since the epoch
 */
export function uuidV7(random: Random, time: number): string {
  const chance = random.uint32()
  const variant = ((chance >>> 12) & 0x3fff) | 0x8000
  return `${hex32(Math.floor(time / 65_536))}-${hex16(time % 65_536)}-${hex16(
    (chance & 0x0fff) | 0x7000,
  )}-${hex16(variant)}-${hex16(random.uint32())}${hex32(random.uint32())}`
}
