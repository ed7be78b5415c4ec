import type { Random } from '../../producer/random.ts'

/** What JSON, UTF-8 and the contract turn on, to be put where it does not belong. */
const TOKENS = [
  ...String.raw`" \ { } [ ] : , 0 - . e E9 1e400 null true \u0000 \ud800 \u0041 Z +00:00 "__proto__": 😀`.split(
    ' ',
  ),
  ...' \n\t\0\x7f\u2028\ufeff'.split(''),
].map((token) => Buffer.from(token))

const MUTATIONS = {
  'a bit turned': (bytes, random) => {
    const copy = Buffer.from(bytes)
    for (let i = random.between(1, 3); i > 0; i--)
      copy[random.between(0, copy.length - 1)]! ^= 1 << random.between(0, 7)
    return copy
  },
  'a byte replaced': (bytes, random) => {
    const copy = Buffer.from(bytes)
    copy[random.between(0, copy.length - 1)] = random.between(0, 255)
    return copy
  },
  'cut off': (bytes, random) => bytes.subarray(0, random.between(0, bytes.length - 1)),
  'its beginning lost': (bytes, random) => bytes.subarray(random.between(1, bytes.length)),
  'a stretch lost': (bytes, random) => {
    const [from, to] = stretch(bytes, random)
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)])
  },
  'a stretch repeated': (bytes, random) => {
    const [from, to] = stretch(bytes, random)
    return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)])
  },
  'two spliced': (bytes, random, other) =>
    Buffer.concat([
      bytes.subarray(0, random.between(0, bytes.length)),
      other.subarray(random.between(0, other.length)),
    ]),
  'a token put in': (bytes, random) => {
    const at = random.between(0, bytes.length)
    return Buffer.concat([bytes.subarray(0, at), random.pick(TOKENS), bytes.subarray(at)])
  },
  'a digit changed': (bytes, random) => {
    const copy = Buffer.from(bytes)
    const digits = Array.from(copy.keys()).filter((at) => copy[at]! >= 0x30 && copy[at]! <= 0x39)
    if (digits.length > 0) copy[random.pick(digits)] = random.between(0x30, 0x39)
    return copy
  },
} satisfies Record<string, (bytes: Buffer, random: Random, other: Buffer) => Buffer>

export type Mutation = keyof typeof MUTATIONS
const NAMES = Object.keys(MUTATIONS) as Mutation[]

/** A message changed in one way, and which. */
export function mutate(bytes: Buffer, other: Buffer, random: Random): { name: Mutation; value: Buffer } {
  const name = random.pick(NAMES)
  return { name, value: MUTATIONS[name](bytes, random, other) }
}

/** Mostly a short one. */
function stretch(bytes: Buffer, random: Random): [number, number] {
  const from = random.between(0, bytes.length - 1)
  return [from, Math.min(bytes.length, from + random.between(1, random.chance(0.7) ? 8 : bytes.length))]
}
