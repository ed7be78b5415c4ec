import type { Random } from '../etl/stream/samples.ts'

export { uuidV7, weighted, type Random } from '../etl/stream/samples.ts'

/**
 * sfc32, "small fast counter" by Chris Doty-Humphrey (PractRand, public domain): 128 bits of state,
 * cheap in 32-bit integers. splitmix32 (Steele, Lea and Flood's SplitMix in 32 bits, with the mixing
 * constants of Wellons' hash-prospector) spreads the seed over the state. Then a few draws are thrown
 * away, as PractRand does, so that near seeds don't start alike.
 */
export function createRandom(seed: number): Random {
  let weyl = seed | 0
  const spread = (): number => {
    weyl = (weyl + 0x9e3779b9) | 0
    let mixed = weyl ^ (weyl >>> 16)
    mixed = Math.imul(mixed, 0x21f0aaad)
    mixed ^= mixed >>> 15
    mixed = Math.imul(mixed, 0x735a2d97)
    return mixed ^ (mixed >>> 15)
  }
  let a = spread()
  let b = spread()
  let c = spread()
  let counter = 1

  const uint32 = (): number => {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + sum) | 0
    return sum >>> 0
  }
  for (let round = 0; round < 12; round++) uint32()

  const unit = (): number => uint32() / 4_294_967_296
  return {
    uint32,
    unit,
    between: (min, max) => min + Math.floor(unit() * (max - min + 1)),
    chance: (probability) => unit() < probability,
    pick: (items) => {
      if (items.length === 0) throw new RangeError('nothing to pick from')
      return items[Math.floor(unit() * items.length)]!
    },
    // Box and Muller (1958); 1 - unit() is never 0, whose logarithm would be infinite.
    normal: () => Math.sqrt(-2 * Math.log(1 - unit())) * Math.cos(2 * Math.PI * unit()),
  }
}
