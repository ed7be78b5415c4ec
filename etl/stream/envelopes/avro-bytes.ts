import { MAX_VALUE_BYTES } from '../json.ts'

/** Items of arrays and maps in a value: some take no byte, so that the value's size doesn't bound them. */
const MAX_ITEMS = MAX_VALUE_BYTES
const TWO_TO_28 = 268_435_456

/** Bytes in Avro's binary encoding, read from the first on. Each method throws where they end too early. */
export class AvroBytes {
  readonly #bytes: Buffer
  #at = 0
  #items = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  take(length: number): Buffer {
    const end = this.#at + length
    if (length < 0 || end > this.#bytes.length) throw new RangeError('it ends too early')
    const taken = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return taken
  }

  /** @throws RangeError where something is left. */
  end(): void {
    const left = this.#bytes.length - this.#at
    if (left > 0) throw new RangeError(`${left} bytes are left behind it`)
  }

  boolean(): boolean {
    const byte = this.#byte()
    if (byte > 1) throw new RangeError(`a boolean is ${byte}`)
    return byte === 1
  }

  /** Bytes with their length before them. */
  sized(): Buffer {
    return this.take(Number(this.long()))
  }

  /** Which one of so many. */
  index(of: number): number {
    const index = Number(this.long())
    if (index < 0 || index >= of) throw new RangeError(`an index is ${index}, of ${of}`)
    return index
  }

  /** What is read of each item, in one block or several. */
  blocks<T>(item: () => T): T[] {
    const items: T[] = []
    for (;;) {
      let count = Number(this.long())
      if (count === 0) return items
      if (count < 0) {
        this.long() // the size of the block
        count = -count
      }
      this.#items += count
      if (this.#items > MAX_ITEMS) throw new RangeError(`it has more than ${MAX_ITEMS} items`)
      for (let i = 0; i < count; i++) items.push(item())
    }
  }

  /** Seven bits a byte, the lowest first, signs by zigzag. A bigint where a number doesn't keep all digits. */
  long(): number | bigint {
    let byte = this.#byte()
    let low = byte & 0x7f
    for (let shift = 7; byte >= 0x80 && shift < 28; shift += 7) {
      byte = this.#byte()
      low |= (byte & 0x7f) << shift
    }
    if (byte < 0x80) return (low >>> 1) ^ -(low & 1)
    let high = 0
    for (let shift = 0; byte >= 0x80 && shift < 21; shift += 7) {
      byte = this.#byte()
      high |= (byte & 0x7f) << shift
    }
    const written = high * TWO_TO_28 + low
    if (byte < 0x80) return written % 2 === 0 ? written / 2 : -(written + 1) / 2
    let long = BigInt(written)
    for (let shift = 49n; byte >= 0x80; shift += 7n) {
      if (shift > 63n) throw new RangeError('a number has more than 64 bits')
      byte = this.#byte()
      long |= BigInt(byte & 0x7f) << shift
    }
    const value = BigInt.asIntN(64, (long >> 1n) ^ -(long & 1n))
    return Number.isSafeInteger(Number(value)) ? Number(value) : value
  }

  #byte(): number {
    const byte = this.#bytes[this.#at]
    if (byte === undefined) throw new RangeError('it ends too early')
    this.#at += 1
    return byte
  }
}
