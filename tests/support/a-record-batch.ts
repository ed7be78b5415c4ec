import { crc32c } from '@node-rs/crc32'
import type { RecordHeader } from '../../etl/kafka/record.ts'

/**
 * Record batches as bytes, written after the Kafka protocol's own description (format 2) and sharing
 * nothing with the decoder under test. Defaults are an ordinary uncompressed batch of one record.
 */

export interface BatchRecord {
  readonly offsetDelta?: number
  readonly timestampDelta?: number
  readonly key?: Buffer | null
  readonly value?: Buffer | null
  readonly headers?: readonly RecordHeader[]
}

export interface BatchOptions {
  readonly baseOffset?: number
  readonly records?: readonly BatchRecord[]
  /** Of the last record, unless compaction took it. */
  readonly lastOffsetDelta?: number
  readonly baseTimestamp?: number | bigint
  readonly maxTimestamp?: number | bigint
  readonly logAppendTime?: boolean
  readonly producerId?: bigint
  readonly transactional?: boolean
  readonly control?: boolean
  /** Number and function; none by default. */
  readonly codec?: { readonly id: number; readonly compress: (bytes: Buffer) => Uint8Array }
  readonly magic?: number
  /** Instead of the encoded records. */
  readonly body?: Buffer
  readonly count?: number
}

export function aRecordBatch(options: BatchOptions = {}): Buffer {
  const records = options.records ?? [{}]
  const plain = options.body ?? Buffer.concat(records.map(encodeRecord))
  const body = options.codec === undefined ? plain : Buffer.from(options.codec.compress(plain))
  const baseTimestamp = BigInt(options.baseTimestamp ?? 1_700_000_000_000)
  const batch = Buffer.alloc(61 + body.length)
  body.copy(batch, 61)
  batch.writeBigInt64BE(BigInt(options.baseOffset ?? 0), 0)
  batch.writeInt32BE(batch.length - 12, 8)
  batch.writeInt32BE(0, 12) // partition leader epoch
  batch.writeInt8(options.magic ?? 2, 16)
  batch.writeInt16BE(
    (options.codec?.id ?? 0) +
      (options.logAppendTime === true ? 0x08 : 0) +
      (options.transactional === true ? 0x10 : 0) +
      (options.control === true ? 0x20 : 0),
    21,
  )
  batch.writeInt32BE(options.lastOffsetDelta ?? records.length - 1, 23)
  batch.writeBigInt64BE(baseTimestamp, 27)
  batch.writeBigInt64BE(BigInt(options.maxTimestamp ?? baseTimestamp), 35)
  batch.writeBigInt64BE(options.producerId ?? -1n, 43)
  batch.writeInt16BE(0, 51) // producer epoch
  batch.writeInt32BE(0, 53) // base sequence
  batch.writeInt32BE(options.count ?? records.length, 57)
  batch.writeUInt32BE(crc32c(batch.subarray(21)), 17)
  return batch
}

/** The broker's mark at the end of a transaction. */
export function anEndOfTransaction(options: BatchOptions & { readonly type: 'abort' | 'commit' }): Buffer {
  const key = Buffer.from([0, 0, 0, options.type === 'commit' ? 1 : 0])
  return aRecordBatch({
    transactional: true,
    control: true,
    records: [{ key, value: Buffer.alloc(6) }],
    ...options,
  })
}

/** The same batch with one bit of its byte `at` turned over, and a CRC that no longer fits. */
export function withFlippedBit(batch: Buffer, at: number): Buffer {
  const copy = Buffer.from(batch)
  copy[at]! ^= 0x01
  return copy
}

function encodeRecord(record: BatchRecord, index: number): Buffer {
  const body = Buffer.concat([
    Buffer.from([0]), // attributes
    varint(record.timestampDelta ?? 0),
    varint(record.offsetDelta ?? index),
    block(record.key ?? null),
    block(record.value ?? null),
    varint(record.headers?.length ?? 0),
    ...(record.headers ?? []).flatMap(({ key, value }) => [block(Buffer.from(key)), block(value)]),
  ])
  return Buffer.concat([varint(body.length), body])
}

const block = (bytes: Buffer | null): Buffer =>
  bytes === null ? varint(-1) : Buffer.concat([varint(bytes.length), bytes])

/** Zig-zag, seven bits a byte, lowest first. */
export function varint(value: number): Buffer {
  let rest = BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n))
  const bytes: number[] = []
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80)
  bytes.push(Number(rest))
  return Buffer.from(bytes)
}
