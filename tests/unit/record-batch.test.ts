import { expect, test } from 'vitest'
import { decodeRecordSet, endOfRecordSet, type AbortedTransaction } from '../../etl/kafka/record-batch.ts'
import type { SourceRecord } from '../../etl/kafka/record.ts'
import {
  aRecordBatch,
  anEndOfTransaction,
  varint,
  withFlippedBit,
  type BatchRecord,
} from '../support/a-record-batch.ts'

const decode = (set: Buffer, aborted: readonly AbortedTransaction[] = []) => [
  ...decodeRecordSet(set, aborted),
]
const records = (set: Buffer, aborted: readonly AbortedTransaction[] = []): SourceRecord[] =>
  decode(set, aborted).flatMap((batch) => [...batch.records])
const value = (text: string) => ({ value: Buffer.from(text) })
const values = (set: Buffer, aborted: readonly AbortedTransaction[] = []) =>
  records(set, aborted).map((record) => record.value?.toString())

test('a record comes with its offset, key, value and headers', () => {
  const headers = [
    { key: 'trace', value: Buffer.from('1') },
    { key: 'trace', value: null },
    { key: 'ключ', value: Buffer.alloc(0) },
  ]
  const batch = aRecordBatch({
    baseOffset: 41,
    records: [{}, { key: Buffer.from('k'), value: Buffer.from([0xff, 0]), headers }],
  })
  expect(records(batch)[1]).toEqual({
    offset: 42,
    timestamp: 1_700_000_000_000,
    key: Buffer.from('k'),
    value: Buffer.from([0xff, 0]),
    headers,
  })
})

test('no key and no value are null, empty ones are empty', () => {
  const batch = aRecordBatch({ records: [{}, { key: Buffer.alloc(0), value: Buffer.alloc(0) }] })
  expect(records(batch)).toMatchObject([
    { key: null, value: null },
    { key: Buffer.alloc(0), value: Buffer.alloc(0) },
  ])
})

test('offsets that compaction left out are left out', () => {
  const batch = aRecordBatch({
    baseOffset: 10,
    records: [{ offsetDelta: 3 }, { offsetDelta: 7 }],
    lastOffsetDelta: 9,
  })
  expect(records(batch).map(({ offset }) => offset)).toEqual([13, 17])
  expect(decode(batch)[0]?.nextOffset).toBe(20)
})

const timesOf = (set: Buffer) => records(set).map(({ timestamp }) => timestamp)

test('with LogAppendTime each record has the time at which the broker stored the batch, else its own', () => {
  const times = { baseTimestamp: 1_000, maxTimestamp: 5_000, records: [{}, { timestampDelta: 4_000 }] }
  expect(timesOf(aRecordBatch(times))).toEqual([1_000, 5_000])
  expect(timesOf(aRecordBatch({ ...times, logAppendTime: true }))).toEqual([5_000, 5_000])
})

test.for([
  [-(2n ** 63n), -210_866_803_200_000],
  [2n ** 63n - 1n, 8_640_000_000_000_000],
  [-1n, -1],
] as const)('a time of %d comes as one that Postgres and Date can hold', ([baseTimestamp, expected]) => {
  const time = { baseTimestamp, maxTimestamp: baseTimestamp }
  expect(records(aRecordBatch(time))[0]?.timestamp).toBe(expected)
  expect(records(aRecordBatch({ ...time, logAppendTime: true }))[0]?.timestamp).toBe(expected)
  expect(records(aRecordBatch({ ...time, magic: 3 }))[0]?.timestamp).toBe(expected)
})

test('control records are left out, but their offsets count', () => {
  const set = Buffer.concat([
    aRecordBatch({ records: [value('a')], transactional: true, producerId: 7n }),
    anEndOfTransaction({ type: 'commit', baseOffset: 1, producerId: 7n }),
  ])
  expect(values(set)).toEqual(['a'])
  expect(decode(set).at(-1)?.nextOffset).toBe(2)
})

/** A batch of one record in a transaction. */
const of = (baseOffset: number, text: string, producerId = 7n, transactional = true) =>
  aRecordBatch({ baseOffset, records: [value(text)], transactional, producerId })

test('records of an aborted transaction are left out up to its mark, others of the producer are not', () => {
  const set = Buffer.concat([
    of(0, 'before'),
    anEndOfTransaction({ type: 'commit', baseOffset: 1, producerId: 7n }),
    of(2, 'aborted'),
    of(3, 'rival', 8n),
    of(4, 'aborted too'),
    of(5, 'without a transaction', -1n, false),
    anEndOfTransaction({ type: 'abort', baseOffset: 6, producerId: 7n }),
    of(7, 'after'),
    of(8, 'aborted again'),
    anEndOfTransaction({ type: 'abort', baseOffset: 9, producerId: 7n }),
  ])
  const aborted = [
    { producerId: 7n, firstOffset: 8 },
    { producerId: 7n, firstOffset: 2 },
  ]
  expect(values(set, aborted)).toEqual(['before', 'rival', 'without a transaction', 'after'])
})

test('an aborted record whose key looks like an abort mark does not end its transaction', () => {
  const set = Buffer.concat([
    aRecordBatch({ records: [{ key: Buffer.alloc(4), ...value('a') }], transactional: true, producerId: 7n }),
    aRecordBatch({ baseOffset: 1, records: [value('b')], transactional: true, producerId: 7n }),
    anEndOfTransaction({ type: 'abort', baseOffset: 2, producerId: 7n }),
  ])
  expect(values(set, [{ producerId: 7n, firstOffset: 0 }])).toEqual([])
})

test('a batch that the byte limit cut is not delivered, and not counted', () => {
  const whole = aRecordBatch({ records: [value('a')] })
  const next = aRecordBatch({ baseOffset: 1, records: [value('b')] })
  for (const cut of [1, 11, 12, 60, next.length - 1]) {
    const set = Buffer.concat([whole, next.subarray(0, cut)])
    expect(values(set)).toEqual(['a'])
    expect(endOfRecordSet(set)).toBe(1)
  }
  expect(endOfRecordSet(whole.subarray(0, 40))).toBeUndefined()
})

test('a turned bit makes an undecodable record for each offset of its batch, and of no other', () => {
  const set = Buffer.concat([
    aRecordBatch({ records: [value('a')] }),
    withFlippedBit(
      aRecordBatch({ baseOffset: 1, maxTimestamp: 9_000, records: [value('b'), value('c')] }),
      65,
    ),
    aRecordBatch({ baseOffset: 3, records: [value('d')] }),
  ])
  const decoded = records(set)
  expect(decoded.map(({ offset, undecodable }) => [offset, undecodable !== undefined])).toEqual([
    [0, false],
    [1, true],
    [2, true],
    [3, false],
  ])
  expect(decoded[1]).toMatchObject({ timestamp: 9_000, key: null, headers: [] })
  expect(decoded[1]?.undecodable).toMatch(/^CRC is [0-9a-f]+, expected [0-9a-f]+$/)
  expect(decoded[2]?.value).toBeNull()
})

test('the first undecodable record holds the batch’s bytes as they are stored', () => {
  const broken = withFlippedBit(aRecordBatch({ records: [value('a'), value('b')] }), 70)
  expect(records(broken)[0]?.value).toEqual(broken)
})

const emptyHeaders = (count: number) => Array.from({ length: count }, () => ({ key: '', value: null }))

/** A record without key and value that claims so many headers, and these bytes as them. */
function withHeaders(count: number, bytes: readonly number[]): Buffer {
  const body = Buffer.from([0, 0, 0, 1, 1, ...varint(count), ...bytes])
  return Buffer.concat([varint(body.length), body])
}

test.for([
  ['an unknown codec', aRecordBatch({ codec: { id: 5, compress: (bytes) => bytes } }), /codec 5/],
  ['another format', aRecordBatch({ magic: 3 }), /message format 3/],
  ['fewer records than it counts', aRecordBatch({ count: 2 }), /ends inside a number/],
  [
    'a record longer than the batch',
    aRecordBatch({ body: Buffer.from([0x7e]), count: 1 }),
    /leaves its batch/,
  ],
  ['a record of negative length', aRecordBatch({ body: Buffer.from([0x01]), count: 1 }), /leaves its batch/],
  ['a number of 11 bytes', aRecordBatch({ body: Buffer.alloc(20, 0x80), count: 1 }), /more than 10 bytes/],
  [
    'bytes behind its last record',
    aRecordBatch({ records: [{}, {}], count: 1 }),
    /7 bytes behind the last of 1/,
  ],
  ['a header without a key', aRecordBatch({ body: withHeaders(1, [0x01, 0x01]), count: 1 }), /without a key/],
  ['headers that are fewer than none', aRecordBatch({ body: withHeaders(-1, []), count: 1 }), /-1 headers/],
  [
    'a record of 10,001 headers',
    aRecordBatch({ records: [{ headers: emptyHeaders(10_001) }] }),
    /10001 headers/,
  ],
  ['a record above 4 MB', aRecordBatch({ records: [value('a'.repeat(4_200_000))] }), /more than 4194304/],
  ['gzip that is none', aRecordBatch({ codec: { id: 1, compress: (bytes) => bytes } }), /header/],
] as const)('a batch with %s is undecodable, with a reason', ([, batch, reason]) => {
  expect(records(batch)[0]?.undecodable).toMatch(reason)
})

test('an undecodable batch that was compacted does not claim offsets that it hasn’t', () => {
  const batch = aRecordBatch({ baseOffset: 10, count: 5, lastOffsetDelta: 1, body: Buffer.alloc(0) })
  expect(records(batch).map(({ offset }) => offset)).toEqual([10, 11])
})

test.for([
  ['repeat', [0, 0]],
  ['go back', [1, 0]],
  ['begin before the batch', [-5, 1]],
  ['leave the batch by one', [0, 2]],
  ['leave the batch by far', [0, 1_000_000]],
] as const)('a batch whose offsets %s, which the broker takes, is undecodable', ([, deltas]) => {
  const batch = aRecordBatch({
    baseOffset: 10,
    lastOffsetDelta: 1,
    records: deltas.map((offsetDelta) => ({ ...value('a'), offsetDelta })),
  })
  expect(records(batch)).toMatchObject([
    { offset: 10, value: batch, undecodable: expect.stringMatching(/^offset -?\d+ behind/) as string },
    { offset: 11, value: null },
  ])
})

test('a producer’s time that is past the safe integers does not lose the record', () => {
  const far = {
    records: [
      { ...value('a'), timestampDelta: 2 ** 60 },
      { ...value('b'), timestampDelta: -(2 ** 60) },
    ],
  }
  expect(values(aRecordBatch(far))).toEqual(['a', 'b'])
  expect(timesOf(aRecordBatch(far))).toEqual([8_640_000_000_000_000, -210_866_803_200_000])
  expect(timesOf(aRecordBatch({ ...far, logAppendTime: true }))).toEqual([
    1_700_000_000_000, 1_700_000_000_000,
  ])
})

test('a header’s name that is no UTF-8 comes with U+FFFD', () => {
  const body = withHeaders(1, [...varint(2), 0xff, 0x61, ...varint(-1)])
  expect(records(aRecordBatch({ body, count: 1 }))[0]?.headers).toEqual([{ key: '\uFFFDa', value: null }])
})

test('the records of a batch are not made before somebody wants them: a few kB may hold millions', () => {
  const count = 100_000
  const batch = aRecordBatch({ records: Array<BatchRecord>(count).fill(value('a')) })
  const before = process.memoryUsage().heapUsed
  const [decoded] = decode(batch)
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(5_000_000)
  let last = -1
  for (const { offset } of decoded!.records) last = offset
  expect(last).toBe(count - 1)
})
