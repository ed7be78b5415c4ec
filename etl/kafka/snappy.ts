/**
 * Decompresses one block of Snappy (github.com/google/snappy, format_description.txt).
 *
 * Ours, as the package that we had (snappyjs) takes a literal of 2 GB for one of negative length, goes back
 * and so may never end. Here each element moves on in both buffers, and neither is left.
 *
 * @throws Error at broken bytes, or where the block says that it holds more than `maxBytes`.
 */
export function unsnappyBlock(source: Buffer, maxBytes: number): Buffer {
  let { length, at } = readLength(source)
  if (length > maxBytes) throw new Error(`a snappy block of ${length} bytes, more than ${maxBytes}`)
  const result = Buffer.allocUnsafe(length)
  let filled = 0
  while (at < source.length) {
    const { size, offset, next } = readElement(source, at)
    if (filled + size > length) throw broken('holds more than it says')
    if (offset === LITERAL) {
      if (next + size > source.length) throw broken('ends inside a literal')
      source.copy(result, filled, next, next + size)
      at = next + size
    } else {
      if (offset === 0 || offset > filled) throw broken('copies from before its beginning')
      repeat(result, filled, offset, size)
      at = next
    }
    filled += size
  }
  if (filled !== length) throw broken('holds less than it says')
  return result
}

const LITERAL = -1

/** An element: so many bytes of what follows, or of what came so far before. */
interface Element {
  readonly size: number
  readonly offset: number
  /** Behind its tag. */
  readonly next: number
}

function readElement(source: Buffer, at: number): Element {
  const tag = source[at]!
  const upper = tag >> 2
  const behind = at + 1
  // A Buffer's own methods throw where they would read past its end.
  switch (tag & 3) {
    case 0: {
      if (upper < 60) return { size: upper + 1, offset: LITERAL, next: behind }
      const bytes = upper - 59
      return { size: source.readUIntLE(behind, bytes) + 1, offset: LITERAL, next: behind + bytes }
    }
    case 1:
      return { size: (upper & 7) + 4, offset: ((tag >> 5) << 8) + source.readUInt8(behind), next: behind + 1 }
    case 2:
      return { size: upper + 1, offset: source.readUInt16LE(behind), next: behind + 2 }
    default:
      return { size: upper + 1, offset: source.readUInt32LE(behind), next: behind + 4 }
  }
}

/** Bytes that overlap what they are copied from repeat it. */
function repeat(bytes: Buffer, at: number, offset: number, size: number): void {
  if (offset >= size) bytes.copyWithin(at, at - offset, at - offset + size)
  else for (let i = at; i < at + size; i++) bytes[i] = bytes[i - offset]!
}

/** The length of what a block holds, and where it begins: a varint of up to 32 bits. */
function readLength(source: Buffer): { length: number; at: number } {
  let length = 0
  for (let at = 0; at < 5 && at < source.length; at++) {
    length += (source[at]! & 0x7f) * 2 ** (7 * at)
    if (source[at]! < 0x80) return { length, at: at + 1 }
  }
  throw broken('has no length')
}

const broken = (what: string) => new Error(`the snappy block ${what}`)
