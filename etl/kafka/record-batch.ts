import { messageOf } from '../text/message-of.ts'
import { crc32c } from '@node-rs/crc32'
import type { RecordHeader, SourceRecord } from './record.ts'
import { RecordReader } from './record-reader.ts'
import { decompress } from './codecs.ts'

/**
 * Decodes the record sets of a fetch response: record batches of format 2, the only one that Kafka 4
 * stores (Kafka protocol, "Record Batch"). kafkajs' own decoder is not used because it skips the CRC,
 * lets one broken batch end the whole fetch, decompresses without a limit, and takes an aborted record
 * whose key is four zero bytes for the end of its transaction.
 */

const HEADER_BYTES = 61
/** Bytes before the part that the batch's length counts: base offset and length. */
const PREFIX_BYTES = 12
const CRC_AT = 17
const CRC_COVERS_FROM = 21
const LOG_APPEND_TIME = 0x08
const TRANSACTIONAL = 0x10
const CONTROL = 0x20
const ABORT_MARKER = 0

/**
 * What one record batch may have when decompressed; each partition that is drained holds one. Kafka takes 1 MB
 * as compressed, and an order's UUID alone keeps messages of the contract from shrinking to less than a tenth.
 */
export const MAX_DECOMPRESSED_BYTES = 16 * 1024 * 1024

export interface AbortedTransaction {
  readonly producerId: bigint
  readonly firstOffset: number
}

/** A record batch, or what it could not be: its delivered records, and the offset behind it. */
export interface DecodedBatch {
  /** Ascending by offset, made one by one: a few kB may hold millions of them. To be walked once. */
  readonly records: Iterable<SourceRecord>
  readonly baseOffset: number
  /** Control records, or records of an aborted transaction: left out, which compaction is another reason for. */
  readonly hidden: boolean
  readonly nextOffset: number
}

/**
 * Record batch by record batch, so that one fetch holds at most one of them decompressed. Control
 * records and records of aborted transactions are left out, but their offsets count.
 *
 * A batch that can't be decoded comes as one record for each offset that it stored, marked
 * `undecodable`; the first has the batch's bytes as its value.
 */
export function* decodeRecordSet(
  set: Buffer,
  abortedTransactions: readonly AbortedTransaction[],
): Generator<DecodedBatch> {
  const pendingAborts = abortedTransactions.toSorted((a, b) => a.firstOffset - b.firstOffset)
  const aborting = new Set<bigint>()
  for (let at = 0; at + PREFIX_BYTES <= set.length;) {
    const end = at + PREFIX_BYTES + set.readInt32BE(at + 8)
    // The broker cuts the set at the byte limit, so the last batch may be there in part: it comes again.
    if (end > set.length) return
    const batch = set.subarray(at, end)
    at = end
    const header = readHeader(batch)
    while (pendingAborts[0] !== undefined && pendingAborts[0].firstOffset <= header.lastOffset) {
      aborting.add(pendingAborts[0].producerId)
      pendingAborts.shift()
    }
    const range = { baseOffset: header.baseOffset, nextOffset: header.lastOffset + 1 }
    if (header.isControl) {
      if (controlType(batch, header) === ABORT_MARKER) aborting.delete(header.producerId)
      yield { ...range, records: [], hidden: true }
    } else if (header.isTransactional && aborting.has(header.producerId)) {
      yield { ...range, records: [], hidden: true }
    } else {
      yield { ...range, records: decodeRecords(batch, header), hidden: false }
    }
  }
}

/** One past the last offset of the whole batches in a set; undefined where there is none. Reads headers only. */
export function endOfRecordSet(set: Buffer): number | undefined {
  let end: number | undefined
  for (let at = 0; at + HEADER_BYTES <= set.length;) {
    const next = at + PREFIX_BYTES + set.readInt32BE(at + 8)
    if (next > set.length) break
    end = readHeader(set.subarray(at, next)).lastOffset + 1
    at = next
  }
  return end
}

interface BatchHeader {
  readonly baseOffset: number
  readonly lastOffset: number
  readonly magic: number
  readonly crc: number
  readonly codec: number
  readonly isLogAppendTime: boolean
  readonly isTransactional: boolean
  readonly isControl: boolean
  readonly baseTimestamp: number
  readonly maxTimestamp: number
  readonly producerId: bigint
  readonly count: number
}

function readHeader(batch: Buffer): BatchHeader {
  if (batch.length < HEADER_BYTES)
    throw new Error(`a record batch of ${batch.length} bytes is shorter than its header`)
  const baseOffset = safe(batch.readBigInt64BE(0))
  const attributes = batch.readInt16BE(21)
  return {
    baseOffset,
    lastOffset: baseOffset + batch.readInt32BE(23),
    magic: batch.readInt8(16),
    crc: batch.readUInt32BE(CRC_AT),
    codec: attributes & 0x07,
    isLogAppendTime: (attributes & LOG_APPEND_TIME) !== 0,
    isTransactional: (attributes & TRANSACTIONAL) !== 0,
    isControl: (attributes & CONTROL) !== 0,
    baseTimestamp: Number(batch.readBigInt64BE(27)),
    maxTimestamp: Number(batch.readBigInt64BE(35)),
    producerId: batch.readBigInt64BE(43),
    count: batch.readInt32BE(57),
  }
}

/** All records of a batch, or none: what is broken anywhere is found before the first is given out. */
function decodeRecords(batch: Buffer, header: BatchHeader): Iterable<SourceRecord> {
  try {
    if (header.magic !== 2) throw new Error(`message format ${header.magic}, expected 2`)
    const crc = crc32c(batch.subarray(CRC_COVERS_FROM))
    if (crc !== header.crc) throw new Error(`CRC is ${crc.toString(16)}, expected ${header.crc.toString(16)}`)
    const bytes = decompress(header.codec, batch.subarray(HEADER_BYTES), MAX_DECOMPRESSED_BYTES)
    checkRecords(new RecordReader(bytes), header)
    return readRecords(new RecordReader(bytes), header)
  } catch (error) {
    return undecodable(batch, header, messageOf(error))
  }
}

/**
 * The broker looks into an uncompressed batch only to count its records: their offsets may repeat, go back or
 * leave the batch, which would have records skipped or read twice.
 *
 * @throws Error at what would have `readRecords` throw, or give what is no ascending offset of the batch.
 */
function checkRecords(reader: RecordReader, header: BatchHeader): void {
  let before = header.baseOffset - 1
  for (let i = 0; i < header.count; i++) {
    const offset = header.baseOffset + reader.skipRecord()
    if (offset <= before || offset > header.lastOffset)
      throw new Error(`offset ${offset} behind ${before} in a batch up to ${header.lastOffset}`)
    before = offset
  }
  const left = reader.bytes.length - reader.at
  if (left !== 0) throw new Error(`${left} bytes behind the last of ${header.count} records`)
}

function* readRecords(reader: RecordReader, header: BatchHeader): Generator<SourceRecord> {
  for (let i = 0; i < header.count; i++) yield readRecord(reader, header)
}

/**
 * One record for each offset that was stored. A compacted batch has fewer records than offsets, and
 * which are left can't be known: then they are counted from the first.
 */
function* undecodable(batch: Buffer, header: BatchHeader, reason: string): Generator<SourceRecord> {
  const offsets = header.lastOffset - header.baseOffset + 1
  const count = Math.max(1, Math.min(header.count, offsets))
  for (let i = 0; i < count; i++) {
    yield {
      offset: header.baseOffset + i,
      timestamp: storable(header.maxTimestamp),
      key: null,
      value: i === 0 ? batch : null,
      headers: NO_HEADERS,
      undecodable: reason,
    }
  }
}

function readRecord(reader: RecordReader, header: BatchHeader): SourceRecord {
  reader.recordEnd()
  const timestampDelta = reader.varlong()
  const offsetDelta = reader.varint()
  return {
    offset: header.baseOffset + offsetDelta,
    timestamp: storable(header.isLogAppendTime ? header.maxTimestamp : header.baseTimestamp + timestampDelta),
    key: reader.block(),
    value: reader.block(),
    headers: readHeaders(reader),
  }
}

const NO_HEADERS: readonly RecordHeader[] = []

function readHeaders(reader: RecordReader): readonly RecordHeader[] {
  const count = reader.varint()
  if (count === 0) return NO_HEADERS
  const headers: RecordHeader[] = []
  for (let i = 0; i < count; i++) {
    const key = reader.block()!.toString('utf8')
    headers.push({ key, value: reader.block() })
  }
  return headers
}

/** The second 16-bit number in a control record's key: 0 abort, 1 commit. */
function controlType(batch: Buffer, header: BatchHeader): number | undefined {
  if (header.count < 1) return undefined
  const bytes = batch.subarray(HEADER_BYTES)
  new RecordReader(bytes).skipRecord()
  const { key } = readRecord(new RecordReader(bytes), header)
  return key !== null && key.length >= 4 ? key.readInt16BE(2) : undefined
}

/** Postgres' first timestamp (4714 BC) and the last of JavaScript, in milliseconds since 1970. */
const EARLIEST_MS = -210_866_803_200_000
const LATEST_MS = 8_640_000_000_000_000

/** Where the topic keeps the producers' times, they may be any 64-bit number; a record is not lost for that. */
function storable(timestamp: number): number {
  return Math.min(Math.max(timestamp, EARLIEST_MS), LATEST_MS)
}

function safe(value: bigint): number {
  const number = Number(value)
  if (!Number.isSafeInteger(number)) throw new Error(`${value} is outside the safe integers`)
  return number
}
