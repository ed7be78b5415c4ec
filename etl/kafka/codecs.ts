import { createRequire } from 'node:module'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { unsnappyBlock } from './snappy.ts'

const require = createRequire(import.meta.url)
const lz4 = require('lz4js') as {
  decompressBound(source: Uint8Array): number
  decompress(source: Uint8Array): Uint8Array
}

/** The header of the framing that Java's snappy writes: magic, version, compatible version. */
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const XERIAL_HEADER_BYTES = 16

/**
 * Decompresses the records of a batch. The codec numbers are those of the record batch's attributes
 * (Kafka protocol, "Record Batch").
 *
 * @param maxBytes what the result may have at most: 200 MB of zeros gzip to 194 kB, and a broker passes
 *   them on.
 * @throws Error for an unknown codec, broken bytes or too large a result.
 */
export function decompress(codec: number, source: Buffer, maxBytes: number): Buffer {
  switch (codec) {
    case 0:
      return source
    case 1:
      return gunzipSync(source, { maxOutputLength: maxBytes })
    case 2:
      return unsnappy(source, maxBytes)
    case 3:
      return unlz4(source, maxBytes)
    case 4:
      return unzstd(source, maxBytes)
    default:
      throw new Error(`unknown compression codec ${codec}`)
  }
}

/** Node reads one frame, and there may be several (RFC 8878, section 3.1). */
function unzstd(source: Buffer, maxBytes: number): Buffer {
  const frames: Buffer[] = []
  let total = 0
  for (let at = 0; at < source.length || at === 0;) {
    // One more, as it takes no limit of 0; frames that are empty may stand at the end.
    const options = { maxOutputLength: maxBytes - total + 1, info: true } as const
    const { buffer, engine } = zstdDecompressSync(source.subarray(at), options) as unknown as WithEngine
    frames.push(buffer)
    total += buffer.length
    if (total > maxBytes) throw tooLarge(maxBytes)
    if (engine.bytesWritten === 0) throw new Error('zstd makes no progress')
    at += engine.bytesWritten
  }
  return frames.length === 1 ? frames[0]! : Buffer.concat(frames, total)
}

/** What `info: true` gives; @types/node doesn't know it. */
interface WithEngine {
  readonly buffer: Buffer
  /** Bytes of the source that were read. */
  readonly engine: { readonly bytesWritten: number }
}

function unlz4(source: Buffer, maxBytes: number): Buffer {
  const bound = lz4.decompressBound(source)
  if (bound > maxBytes) throw tooLarge(maxBytes)
  return Buffer.from(lz4.decompress(source))
}

function unsnappy(source: Buffer, maxBytes: number): Buffer {
  if (!source.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) {
    return unsnappyBlock(source, maxBytes)
  }
  const blocks: Buffer[] = []
  let total = 0
  for (let at = XERIAL_HEADER_BYTES; at < source.length;) {
    const length = source.readInt32BE(at)
    if (length <= 0) throw new Error(`a snappy block of ${length} bytes`)
    const block = unsnappyBlock(source.subarray(at + 4, at + 4 + length), maxBytes - total)
    blocks.push(block)
    total += block.length
    at += 4 + length
  }
  return Buffer.concat(blocks, total)
}

function tooLarge(maxBytes: number): Error {
  return new Error(`more than ${maxBytes} bytes when decompressed`)
}
