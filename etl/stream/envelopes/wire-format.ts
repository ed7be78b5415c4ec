import { excerpt } from '../../text/excerpt.ts'
import type { NotUnwrapped } from './envelope.ts'

/** What registry clients write before a value: a 0 byte and the id of its schema, 4 bytes, big-endian. */
const HEAD_BYTES = 5

export interface Framed {
  readonly id: number
  readonly body: Buffer
}

/** @returns undefined where the bytes name no schema. */
export function schemaIdOf(value: Buffer): number | undefined {
  return value.length >= HEAD_BYTES && value[0] === 0 ? value.readUInt32BE(1) : undefined
}

export function readFrame(value: Buffer): Framed | NotUnwrapped {
  const id = schemaIdOf(value)
  if (id !== undefined) return { id, body: value.subarray(HEAD_BYTES) }
  const begin = value.length === 0 ? 'is empty' : `begins with ${hexOf(value)}`
  return {
    code: 'malformed_value',
    problem: `value ${begin}; it must begin with a 0 byte and the id of its schema in 4 bytes, as clients of a schema registry write it`,
  }
}

const hexOf = (value: Buffer): string => `0x${value.subarray(0, HEAD_BYTES).toString('hex')}`

/**
 * Which message of a Protobuf schema a value is: its place among the messages of the file, then among those in that
 * one, and so on. A single 0 stands for the first.
 *
 * @throws RangeError where the bytes end in it, or it is too deep.
 */
export function readMessageIndexes(body: Buffer): { readonly indexes: number[]; readonly body: Buffer } {
  let at = 0
  const varint = () => {
    let value = 0
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = body.readUInt8(at++)
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1) // zigzag
    }
    throw new RangeError('an index of its message is too large')
  }
  const count = varint()
  if (count < 0 || count > MAX_DEPTH) throw new RangeError(`its message is ${excerpt(count)} deep`)
  const indexes = count === 0 ? [0] : Array.from({ length: count }, varint)
  return { indexes, body: body.subarray(at) }
}

const MAX_DEPTH = 32
