import { gzipSync, zstdCompressSync } from 'node:zlib'
import {
  assert,
  array,
  bigInt,
  constantFrom,
  integer,
  option,
  property,
  record,
  string,
  uint8Array,
} from 'fast-check'
import { expect, test } from 'vitest'
import { decodeRecordSet } from '../../etl/kafka/record-batch.ts'
import { aRecordBatch, withFlippedBit } from '../support/a-record-batch.ts'

const bytes = (maxLength: number) => option(uint8Array({ maxLength }).map((raw) => Buffer.from(raw)))
const aHeader = record({ key: string({ maxLength: 8, unit: 'grapheme' }), value: bytes(8) })
const aStoredRecord = record({
  timestampDelta: integer({ min: -1_000_000, max: 2 ** 40 }),
  key: bytes(20),
  value: bytes(300),
  headers: array(aHeader, { maxLength: 3 }),
})
const codecs = [
  undefined,
  { id: 1, compress: (plain: Buffer) => gzipSync(plain) },
  { id: 4, compress: (plain: Buffer) => zstdCompressSync(plain) },
]

const aBatch = record({
  baseOffset: integer({ min: 0, max: Number.MAX_SAFE_INTEGER - 1_000 }),
  baseTimestamp: integer({ min: 0, max: 2 ** 42 }),
  records: array(aStoredRecord, { minLength: 1, maxLength: 20 }),
  producerId: bigInt({ min: -1n, max: 2n ** 40n }),
  codec: constantFrom(...codecs),
})

test('what is encoded comes back, whatever it is and however it is compressed', () => {
  assert(
    property(aBatch, ({ codec, ...batch }) => {
      const [decoded] = decodeRecordSet(aRecordBatch({ ...batch, ...(codec && { codec }) }), [])
      expect(decoded?.nextOffset).toBe(batch.baseOffset + batch.records.length)
      expect([...decoded!.records]).toEqual(
        batch.records.map(({ timestampDelta, ...stored }, index) => ({
          ...stored,
          offset: batch.baseOffset + index,
          timestamp: batch.baseTimestamp + timestampDelta,
        })),
      )
    }),
  )
})

test('no single turned bit behind the CRC goes unnoticed, and none loses or adds a record', () => {
  const header = { lastOffsetDelta: [23, 27], count: [57, 61] }
  assert(
    property(aBatch, integer({ min: 21 }), ({ codec, ...batch }, at) => {
      const whole = aRecordBatch({ ...batch, ...(codec && { codec }) })
      const place = 21 + ((at - 21) % (whole.length - 21))
      // Where the numbers of records and offsets themselves are broken, nobody can know them.
      if (Object.values(header).some(([from, to]) => place >= from! && place < to!)) return
      // A control or transactional bit takes the batch out before its CRC is looked at.
      if (place === 21 || place === 22 || (place >= 27 && place < 43)) return
      const [decoded] = decodeRecordSet(withFlippedBit(whole, place), [])
      const records = [...decoded!.records]
      expect(records).toHaveLength(batch.records.length)
      expect(records.every(({ undecodable }) => undecodable !== undefined)).toBe(true)
    }),
  )
})

test('bytes of any kind are decoded or refused, and never hang', () => {
  assert(
    property(uint8Array({ maxLength: 200 }), integer({ min: 0, max: 30 }), (body, count) => {
      const batch = aRecordBatch({ body: Buffer.from(body), count, lastOffsetDelta: 30 })
      const decoded = [...decodeRecordSet(batch, [])]
      expect(decoded).toHaveLength(1)
      const offsets = [...decoded[0]!.records].map(({ offset }) => offset)
      expect(offsets).toEqual([...new Set(offsets)].sort((a, b) => a - b))
      expect(offsets.every((offset) => offset >= 0 && offset <= 30)).toBe(true)
    }),
  )
})
