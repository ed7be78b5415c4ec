/**
 * What one record may have, in bytes: four times what the contract takes. As a dead letter it is copied some five
 * times on its way into Postgres; as part of an undecodable batch it stays as small as it was zipped.
 */
const MAX_RECORD_BYTES = 4 * 1024 * 1024
/** What one record may have: an empty header is two bytes in the log, which zip to nothing, and an object here. */
const MAX_HEADERS = 10_000

/** Walks over the records of a decompressed record batch (format 2). Throws where the bytes are no such thing. */
export class RecordReader {
  readonly bytes: Buffer
  at = 0

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  /** Where the record that begins here ends. */
  recordEnd(): number {
    const length = this.varint()
    const end = this.at + length
    if (length < 0 || end > this.bytes.length) throw new Error(`a record of ${length} bytes leaves its batch`)
    this.at += 1 // attributes, unused in format 2
    return end
  }

  /**
   * Passes over a record without making anything of it.
   *
   * @returns its offset, counted from the batch's.
   */
  skipRecord(): number {
    const end = this.recordEnd()
    if (end - this.at > MAX_RECORD_BYTES)
      throw new Error(`a record of ${end - this.at} bytes, more than ${MAX_RECORD_BYTES}`)
    this.varlong() // timestamp
    const offsetDelta = this.varint()
    this.skipBlock() // key
    this.skipBlock() // value
    const headers = this.varint()
    if (headers < 0 || headers > MAX_HEADERS)
      throw new Error(`a record of ${headers} headers, more than ${MAX_HEADERS}`)
    for (let i = 0; i < headers; i++) {
      if (!this.skipBlock()) throw new Error('a header without a key')
      this.skipBlock()
    }
    if (this.at !== end) throw new Error(`a record ends ${this.at - end} bytes away from its length`)
    return offsetDelta
  }

  varint(): number {
    const value = this.varlong()
    if (!Number.isSafeInteger(value)) throw new Error('a number is out of range')
    return value
  }

  /** Zig-zag varint of up to 64 bits; past the safe integers the nearest double. */
  varlong(): number {
    // Its lowest bit is the sign, which a large double loses.
    const isNegative = (this.bytes[this.at] ?? 0) % 2 === 1
    let result = 0
    let scale = 1
    for (let i = 0; i < 10; i++) {
      const byte = this.bytes[this.at++]
      if (byte === undefined) throw new Error('the batch ends inside a number')
      result += (byte & 0x7f) * scale
      if (byte < 0x80) return isNegative ? -(result + 1) / 2 : result / 2
      scale *= 128
    }
    throw new Error('a number has more than 10 bytes')
  }

  /** Bytes behind their length; −1 is null. A view, not a copy. */
  block(): Buffer | null {
    const length = this.varint()
    if (length < 0) return null
    const end = this.at + length
    if (end > this.bytes.length) throw new Error(`${length} bytes leave the batch`)
    const block = this.bytes.subarray(this.at, end)
    this.at = end
    return block
  }

  /** @returns false for null. */
  skipBlock(): boolean {
    const length = this.varint()
    if (length < 0) return false
    this.at += length
    if (this.at > this.bytes.length) throw new Error(`${length} bytes leave the batch`)
    return true
  }
}
