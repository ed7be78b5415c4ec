import { createRequire } from 'node:module'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { decompress } from '../../etl/kafka/codecs.ts'
import { decodeRecordSet, MAX_DECOMPRESSED_BYTES } from '../../etl/kafka/record-batch.ts'
import { inJavaFrames } from '../hostile/compressors.ts'
import { aRecordBatch } from '../support/a-record-batch.ts'

const require = createRequire(import.meta.url)
const lz4 = require('lz4js') as { compress(source: Uint8Array): Uint8Array }
const snappy = require('snappyjs') as { compress(source: Uint8Array): Uint8Array }

/** The last number: what a limit may be too strict by, since the codec knows the size only by blocks. */
const codecs: [string, number, (plain: Buffer) => Uint8Array, number][] = [
  ['gzip', 1, (plain) => gzipSync(plain), 0],
  ['snappy', 2, (plain) => snappy.compress(plain), 0],
  ['snappy in Java’s framing', 2, inJavaFrames, 0],
  ['lz4', 3, (plain) => lz4.compress(plain), 8 * 1024 * 1024],
  ['zstd', 4, (plain) => zstdCompressSync(plain), 0],
]

describe.for(codecs)('%s', ([, id, compress, slack]) => {
  test('gives back what was compressed', () => {
    const plain = Buffer.from('transaction '.repeat(20_000))
    expect(decompress(id, Buffer.from(compress(plain)), plain.length + slack).equals(plain)).toBe(true)
  })

  test('refuses more than the limit', () => {
    const bomb = Buffer.from(compress(Buffer.alloc(1_000_000)))
    expect(() => decompress(id, bomb, 999_999)).toThrow(/larger|too big|more than|Buffer/)
    expect(decompress(id, bomb, 1_000_000 + slack)).toHaveLength(1_000_000)
  })

  test('gives too little or throws at broken and at cut bytes, and ends', () => {
    const plain = Buffer.from('transaction '.repeat(2_000))
    const compressed = Buffer.from(compress(plain))
    for (const broken of [compressed.subarray(0, compressed.length >> 1), Buffer.alloc(64, 0xa5)]) {
      const lengthOf = (bytes: Buffer) => decompress(id, bytes, 16 * 1024 * 1024).length
      expect(orThrown(() => lengthOf(broken))).not.toBe(plain.length)
    }
  })
})

function orThrown<T>(work: () => T): T | 'thrown' {
  try {
    return work()
  } catch {
    return 'thrown'
  }
}

test('an lz4 frame that claims less than it holds does not get more', () => {
  const compressed = Buffer.from(lz4.compress(Buffer.alloc(1_000_000)))
  // The flag for a content size, and 100 for it: Java's and librdkafka's frames may have one.
  const size = Buffer.alloc(8)
  size.writeUInt32LE(100)
  const lying = Buffer.concat([compressed.subarray(0, 6), size, compressed.subarray(6)])
  lying[4]! |= 0x08
  expect(decompress(3, lying, 1_000).length).toBeLessThanOrEqual(100)
})

test('zstd in several frames, which the broker takes, is read to its end, and limited together', () => {
  const frames = ['one ', '', 'two'].map((text) => zstdCompressSync(Buffer.from(text)))
  expect(decompress(4, Buffer.concat(frames), 7).toString()).toBe('one two')
  expect(() => decompress(4, Buffer.concat(frames), 6)).toThrow(/larger|more than/)
  expect(() => decompress(4, Buffer.concat([...frames, Buffer.from('junk')]), 7)).toThrow(/frame/)
})

test.for([
  [
    'a literal of 2 GB, which a signed length would turn back for ever',
    '0afcfaffffff0000',
    /more than it says/,
  ],
  ['a literal that leaves it', '8002f0ff', /inside a literal/],
  ['a copy from before its beginning', '0800610d05', /before its beginning/],
  ['a copy from nowhere', '0800610d00', /before its beginning/],
  ['less than it says', '0a0061', /less than it says/],
  ['a tag without its offset', '0a00610d', /out of range|buffer bounds/],
  ['no length', 'ffffffffff', /no length/],
  ['nothing', '', /no length/],
] as const)('a snappy block with %s is refused', ([, hex, reason]) => {
  expect(() => decompress(2, Buffer.from(hex, 'hex'), 1_000)).toThrow(reason)
})

test('snappy copies that overlap themselves repeat', () => {
  // "ab", then 8 bytes from 2 before.
  expect(decompress(2, Buffer.from('0a0461621102', 'hex'), 10).toString()).toBe('ababababab')
})

test('blocks of Java’s snappy are limited together, and a length that points backwards is refused', () => {
  const plain = Buffer.alloc(100_000)
  expect(() => decompress(2, inJavaFrames(plain, 10_000), 99_999)).toThrow(/more than/)
  const backwards = inJavaFrames(plain)
  backwards.writeInt32BE(-4, 16)
  expect(() => decompress(2, backwards, 1_000_000)).toThrow(/block of -4 bytes/)
})

test('a batch that would decompress beyond the limit is undecodable for each of its offsets', () => {
  const body = gzipSync(Buffer.alloc(MAX_DECOMPRESSED_BYTES + 1))
  const batch = aRecordBatch({ records: [{}, {}, {}], codec: { id: 1, compress: () => body } })
  const [decoded] = decodeRecordSet(batch, [])
  const records = [...decoded!.records]
  expect(records).toHaveLength(3)
  expect(records[2]?.undecodable).toMatch(/larger|Cannot create a Buffer/)
})
