import { createRequire } from 'node:module'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import type { Random } from '../../producer/random.ts'

const require = createRequire(import.meta.url)
const lz4 = require('lz4js') as {
  makeBuffer(size: number): Uint8Array
  compressBlock(source: Buffer, into: Uint8Array, at: number, length: number, hashes: Uint32Array): number
}
const snappy = require('snappyjs') as { compress(source: Uint8Array): Uint8Array }

export interface Compressor {
  /** Of the record batch's attributes. */
  readonly id: number
  readonly compress: (bytes: Buffer) => Buffer
}

/** Each as some client writes it. */
export const COMPRESSORS = {
  gzip: { id: 1, compress: (bytes) => gzipSync(bytes, { level: 1 }) },
  snappy: { id: 2, compress: (bytes) => Buffer.from(snappy.compress(bytes)) },
  'snappy in Java’s framing': { id: 2, compress: inJavaFrames },
  lz4: { id: 3, compress: asLz4Frame },
  zstd: { id: 4, compress: (bytes) => zstdCompressSync(bytes) },
} satisfies Record<string, Compressor>

const ALL: readonly (Compressor | undefined)[] = [undefined, undefined, ...Object.values(COMPRESSORS)]
export const aCompressor = (random: Random) => random.pick(ALL)

const JAVA_BLOCK = 32 * 1024

/** The framing of Java's snappy: a header, then blocks behind their lengths. */
export function inJavaFrames(bytes: Buffer, blockBytes = JAVA_BLOCK): Buffer {
  const parts = [Buffer.from('82534e41505059000000000100000001', 'hex')]
  for (let at = 0; at < bytes.length; at += blockBytes) {
    const block = Buffer.from(snappy.compress(bytes.subarray(at, at + blockBytes)))
    const length = Buffer.alloc(4)
    length.writeInt32BE(block.length)
    parts.push(length, block)
  }
  return Buffer.concat(parts)
}

/** Magic, blocks of up to 4 MB that don't need one another, the header's checksum. */
const LZ4_HEADER = Buffer.from('04224d18607073', 'hex')
const LZ4_BLOCK = 4 * 1024 * 1024
const STORED = 0x8000_0000

/** lz4js' own frames have blocks that need one another, which Kafka refuses. */
function asLz4Frame(bytes: Buffer): Buffer {
  const parts: Buffer[] = [LZ4_HEADER]
  const hashes = new Uint32Array(1 << 16)
  for (let at = 0; at < bytes.length; at += LZ4_BLOCK) {
    const block = bytes.subarray(at, at + LZ4_BLOCK)
    const into = lz4.makeBuffer(block.length + Math.ceil(block.length / 255) + 16)
    const size = lz4.compressBlock(block, into, 0, block.length, hashes.fill(0))
    const isSmaller = size > 0 && size < block.length
    parts.push(
      uint32(isSmaller ? size : block.length + STORED),
      isSmaller ? Buffer.from(into.subarray(0, size)) : block,
    )
  }
  return Buffer.concat([...parts, uint32(0)])
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
