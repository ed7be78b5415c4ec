import { recordBytes, type SourceRecord } from './record.ts'
import { OffsetOutOfRange, type FetchedSet, type LogReader } from './log-reader.ts'
import { decodeRecordSet, endOfRecordSet, type DecodedBatch } from './record-batch.ts'

/** Records of one partition in offset order, and the range of offsets that they stand for. */
export interface Slice {
  readonly records: readonly SourceRecord[]
  /** First offset of the range. */
  readonly from: number
  /** One past the range: control and aborted records at its end are inside. */
  readonly to: number
  /** Keys, values and headers. */
  readonly bytes: number
  /** Whether control or aborted records are inside the range. */
  readonly hidden: boolean
}

export interface SliceLimits {
  /** Offset to stop before. */
  readonly end: number
  readonly maxRecords: number
  /** A single record may be larger. */
  readonly maxBytes: number
}

const FETCH_BYTES = 2 * 1024 * 1024
/** Empty answers before the end offset, each after the reader's own wait, until we say so. */
const MAX_EMPTY_FETCHES = 20

/**
 * Walks one partition from an offset on. Holds at most two fetched sets (the one that is read and the
 * next, fetched meanwhile) and one decompressed record batch.
 */
export class PartitionCursor {
  readonly #reader: LogReader
  readonly #partition: number
  #position: number
  #batches: Iterator<DecodedBatch> | undefined
  #records: Iterator<SourceRecord> | undefined
  /** The next one to be delivered. */
  #record: SourceRecord | undefined
  #begun = false
  #batchEnd: number
  #setEnd: number
  #prefetched: Promise<FetchedSet> | undefined

  constructor(reader: LogReader, partition: number, position: number) {
    this.#reader = reader
    this.#partition = partition
    this.#position = position
    this.#batchEnd = position
    this.#setEnd = position
  }

  /** The next offset to be delivered. */
  get position(): number {
    return this.#position
  }

  /**
   * The next records, or undefined at the end. Where only control and aborted records are left, the
   * slice has none but its range has moved.
   */
  async next(limits: SliceLimits): Promise<Slice | undefined> {
    const from = this.#position
    if (from >= limits.end) return undefined
    const records: SourceRecord[] = []
    let bytes = 0
    let hidden = false
    while (this.#position < limits.end) {
      const record = this.#record
      if (record === undefined) {
        this.#position = Math.max(this.#position, this.#batchEnd)
        if (this.#position < limits.end && (await this.#nextBatch(limits.end))) hidden = true
        continue
      }
      if (record.offset >= limits.end || records.length === limits.maxRecords) break
      const size = recordBytes(record)
      if (records.length > 0 && bytes + size > limits.maxBytes) break
      records.push(record)
      bytes += size
      this.#readRecord()
      this.#position = this.#record === undefined ? this.#batchEnd : record.offset + 1
    }
    return { records, from, to: this.#position, bytes, hidden }
  }

  /** @returns whether the batch is hidden and begins before the end. */
  async #nextBatch(end: number): Promise<boolean> {
    let next = this.#batches?.next()
    if (next === undefined || next.done === true) {
      next = (await this.#nextSet(end)).next()
    }
    if (next.done === true) throw new Error('a fetched set without a whole record batch')
    this.#records = next.value.records[Symbol.iterator]()
    this.#readRecord()
    const begins = this.#record?.offset ?? this.#position
    if (this.#begun && begins < this.#position) {
      // Its header lied about its end: to go on would pass over records in silence.
      throw new Error(
        `a record batch of partition ${this.#partition} begins at ${begins}, inside the one before it`,
      )
    }
    this.#begun = true
    // The first batch may begin below the offset that was asked for.
    while (this.#record !== undefined && this.#record.offset < this.#position) this.#readRecord()
    this.#batchEnd = next.value.nextOffset
    return next.value.hidden && next.value.baseOffset < end
  }

  #readRecord(): void {
    const next = this.#records?.next()
    this.#record = next?.done === false ? next.value : undefined
  }

  async #nextSet(end: number): Promise<Iterator<DecodedBatch>> {
    for (let empty = 0; empty < MAX_EMPTY_FETCHES; empty++) {
      const set = await (this.#prefetched ?? this.#fetch(this.#position))
      this.#prefetched = undefined
      const setEnd = endOfRecordSet(set.recordSet)
      if (setEnd === undefined) continue
      if (setEnd > set.bounds.lastStable) await this.#requireOffset(setEnd)
      this.#setEnd = setEnd
      if (this.#setEnd < end && this.#prefetched === undefined) {
        this.#prefetched = this.#fetch(this.#setEnd)
        this.#prefetched.catch(() => undefined) // reported by whoever awaits it; nobody may
      }
      this.#batches = decodeRecordSet(set.recordSet, set.abortedTransactions)
      return this.#batches
    }
    throw new Error(
      `partition ${this.#partition} gives nothing at offset ${this.#position}, though it ends at ${end}`,
    )
  }

  /**
   * A broker reads the bounds of an answer before its records, so a log that grows meanwhile looks shorter than
   * it is. One that really ends before this offset refuses it.
   */
  async #requireOffset(offset: number): Promise<void> {
    const fetched = this.#fetch(offset)
    try {
      await fetched
      this.#prefetched = fetched
    } catch (error) {
      if (!(error instanceof OffsetOutOfRange)) throw error
      throw new Error(`a record batch of partition ${this.#partition} ends past the log`, { cause: error })
    }
  }

  #fetch(offset: number): Promise<FetchedSet> {
    return this.#reader.fetch(this.#partition, offset, FETCH_BYTES)
  }
}
