import { createRandom, uuidV7, type Random } from '../../producer/random.ts'
import type { Scenario } from './scenarios.ts'

/**
 * Order ids of a version, given the time of the sale. They have draws of their own, so that scenarios which
 * differ in their ids alone have the same customers, baskets and amounts.
 */
export function orderIds(version: Scenario['ids'], seed: number): (time: number) => string {
  const random = createRandom(seed)
  return version === 'v7' ? (time) => uuidV7(random, time) : () => uuidV4(random)
}

/** A version 4 UUID (RFC 9562, 5.4): 122 bits of chance. */
function uuidV4(random: Random): string {
  const [a, b, c, d] = Array.from({ length: 4 }, () => random.uint32()) as [number, number, number, number]
  const version = ((b & 0xffff0fff) | 0x4000) >>> 0
  const variant = ((c & 0x3fffffff) | 0x80000000) >>> 0
  const hex = [a, version, variant, d].map((word) => word.toString(16).padStart(8, '0')).join('')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
