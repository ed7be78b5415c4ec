import { describe, expect, test } from 'vitest'
import { PartitionCursor, type Slice, type SliceLimits } from '../../etl/kafka/cursor.ts'
import { OffsetOutOfRange, type LogReader } from '../../etl/kafka/log-reader.ts'
import { aRecordBatch, anEndOfTransaction } from '../support/a-record-batch.ts'

const endOf = (batch: Buffer) => Number(batch.readBigInt64BE(0)) + batch.readInt32BE(23) + 1

/** A log of whole record batches; each fetch gives `perFetch` of them, from the one that holds the offset. */
function aLog(
  batches: readonly Buffer[],
  perFetch = 2,
  aborted: { producerId: bigint; firstOffset: number }[] = [],
) {
  const lastStable = endOf(batches.at(-1)!)
  const fetched: number[] = []
  const reader: LogReader = {
    fetch: (_partition, offset) => {
      fetched.push(offset)
      const first = batches.findIndex((batch) => endOf(batch) > offset)
      const set = first < 0 ? [] : batches.slice(first, first + perFetch)
      return Promise.resolve({
        bounds: { start: 0, lastStable, highWatermark: lastStable },
        abortedTransactions: aborted,
        recordSet: Buffer.concat(set),
      })
    },
    close: () => Promise.resolve(),
  }
  return { reader, fetched, end: lastStable }
}

const ofBytes = (...sizes: number[]) => sizes.map((size) => ({ value: Buffer.alloc(size) }))
const ALL: SliceLimits = { end: Infinity, maxRecords: 1_000, maxBytes: 1_000_000 }

async function slices(cursor: PartitionCursor, limits: SliceLimits): Promise<Slice[]> {
  const all: Slice[] = []
  for (let slice = await cursor.next(limits); slice !== undefined; slice = await cursor.next(limits))
    all.push(slice)
  return all
}
const shape = ({ from, to, records }: Slice) => [from, to, records.map(({ offset }) => offset)]

describe('a cursor', () => {
  const five = [
    aRecordBatch({ baseOffset: 0, records: ofBytes(10, 10) }),
    aRecordBatch({ baseOffset: 2, records: ofBytes(10) }),
    aRecordBatch({ baseOffset: 3, records: ofBytes(10, 10) }),
  ]

  test('gives all records up to the end, in slices whose ranges tile', async () => {
    const { reader } = aLog(five)
    const cursor = new PartitionCursor(reader, 0, 0)
    expect((await slices(cursor, { ...ALL, end: 5, maxRecords: 2 })).map(shape)).toEqual([
      [0, 2, [0, 1]],
      [2, 4, [2, 3]],
      [4, 5, [4]],
    ])
  })

  test('weighs headers that hold nothing: their bytes are few, their objects are not', async () => {
    const headers = Array.from({ length: 1_000 }, () => ({ key: '', value: null }))
    const { reader } = aLog([aRecordBatch({ records: [{ headers }, { headers }, {}] })])
    const cursor = new PartitionCursor(reader, 0, 0)
    expect((await slices(cursor, { ...ALL, end: 3, maxBytes: 200_000 })).map(shape)).toEqual([
      [0, 1, [0]],
      [1, 3, [1, 2]],
    ])
  })

  test('stops before the end offset, also inside a record batch, and goes on from there', async () => {
    const { reader } = aLog(five)
    const cursor = new PartitionCursor(reader, 0, 0)
    expect((await slices(cursor, { ...ALL, end: 4 })).map(shape)).toEqual([[0, 4, [0, 1, 2, 3]]])
    expect((await slices(cursor, { ...ALL, end: 5 })).map(shape)).toEqual([[4, 5, [4]]])
  })

  test('starts inside a record batch without what is before', async () => {
    const { reader } = aLog(five)
    expect((await slices(new PartitionCursor(reader, 0, 1), { ...ALL, end: 5 })).map(shape)).toEqual([
      [1, 5, [1, 2, 3, 4]],
    ])
  })

  test('holds the limit of bytes, but gives a single record that is larger', async () => {
    const { reader } = aLog([aRecordBatch({ records: ofBytes(40, 60, 1, 500, 1) })])
    const cursor = new PartitionCursor(reader, 0, 0)
    expect((await slices(cursor, { ...ALL, end: 5, maxBytes: 100 })).map(shape)).toEqual([
      [0, 2, [0, 1]],
      [2, 3, [2]],
      [3, 4, [3]],
      [4, 5, [4]],
    ])
  })

  test('takes offsets that are left out behind a record into its range', async () => {
    const { reader } = aLog([
      aRecordBatch({ baseOffset: 0, records: ofBytes(1), lastOffsetDelta: 4 }),
      aRecordBatch({ baseOffset: 10, records: ofBytes(1) }),
    ])
    const cursor = new PartitionCursor(reader, 0, 0)
    expect((await slices(cursor, { ...ALL, end: 11, maxRecords: 1 })).map(shape)).toEqual([
      [0, 5, [0]],
      [5, 11, [10]],
    ])
  })

  test('gives a range without records where only aborted and control records are left', async () => {
    const aborted = aRecordBatch({
      baseOffset: 1,
      records: ofBytes(1, 1),
      transactional: true,
      producerId: 5n,
    })
    const mark = anEndOfTransaction({ type: 'abort', baseOffset: 3, producerId: 5n })
    const { reader } = aLog([aRecordBatch({ records: ofBytes(1) }), aborted, mark], 3, [
      { producerId: 5n, firstOffset: 1 },
    ])
    const cursor = new PartitionCursor(reader, 0, 1)
    expect((await slices(cursor, { ...ALL, end: 4 })).map(shape)).toEqual([[1, 4, []]])
  })

  test('says where control or aborted records are in the range, and of compacted ones nothing', async () => {
    const mark = anEndOfTransaction({ type: 'commit', baseOffset: 2, producerId: 5n })
    const { reader } = aLog([
      aRecordBatch({ records: ofBytes(1), lastOffsetDelta: 1 }),
      mark,
      aRecordBatch({ baseOffset: 3, records: ofBytes(1) }),
    ])
    const at = async (from: number, end: number) =>
      (await new PartitionCursor(reader, 0, from).next({ ...ALL, end }))?.hidden
    expect([await at(0, 1), await at(1, 2), await at(2, 3), await at(0, 4), await at(3, 4)]).toEqual([
      false,
      false,
      true,
      true,
      false,
    ])
  })

  test('fetches ahead, but not past the end', async () => {
    const { reader, fetched } = aLog(five, 1)
    await slices(new PartitionCursor(reader, 0, 0), { ...ALL, end: 3 })
    expect(fetched).toEqual([0, 2])
  })

  test('throws where the log gives nothing before its end', async () => {
    const reader: LogReader = {
      fetch: () =>
        Promise.resolve({
          bounds: { start: 0, lastStable: 9, highWatermark: 9 },
          abortedTransactions: [],
          recordSet: Buffer.alloc(0),
        }),
      close: () => Promise.resolve(),
    }
    await expect(new PartitionCursor(reader, 3, 0).next({ ...ALL, end: 9 })).rejects.toThrow(
      'partition 3 gives nothing at offset 0, though it ends at 9',
    )
  })

  test('goes on where an answer’s bounds are older than its records', async () => {
    const { reader, fetched } = aLog(five)
    const bounds = { start: 0, lastStable: 2, highWatermark: 2 }
    const older: LogReader = {
      ...reader,
      fetch: async (partition, offset, maxBytes) => {
        const set = await reader.fetch(partition, offset, maxBytes)
        return offset === 0 ? { ...set, bounds } : set
      },
    }
    const cursor = new PartitionCursor(older, 0, 0)
    expect((await slices(cursor, { ...ALL, end: 5 })).map(shape)).toEqual([[0, 5, [0, 1, 2, 3, 4]]])
    expect(fetched).toEqual([0, 3])
  })

  test('throws where a batch’s header leads past the log, or back into what was delivered', async () => {
    const past = aRecordBatch({ records: ofBytes(1), lastOffsetDelta: 100 })
    const { reader } = aLog([past])
    const short: LogReader = {
      ...reader,
      fetch: async (partition, offset, maxBytes) => {
        if (offset > 1) throw new OffsetOutOfRange()
        const bounds = { start: 0, lastStable: 1, highWatermark: 1 }
        return { ...(await reader.fetch(partition, offset, maxBytes)), bounds }
      },
    }
    await expect(new PartitionCursor(short, 0, 0).next({ ...ALL, end: 1 })).rejects.toThrow(
      'ends past the log',
    )

    const overlapping = aLog([
      aRecordBatch({ baseOffset: 0, records: ofBytes(1), lastOffsetDelta: 3 }),
      aRecordBatch({ baseOffset: 2, records: ofBytes(1, 1, 1) }),
    ])
    await expect(new PartitionCursor(overlapping.reader, 0, 0).next({ ...ALL, end: 5 })).rejects.toThrow(
      'begins at 2',
    )
  })
})
