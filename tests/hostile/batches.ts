import { gzipSync, zstdCompressSync } from 'node:zlib'
import type { Random } from '../../producer/random.ts'
import { aRecordBatch, varint, type BatchOptions, type BatchRecord } from '../support/a-record-batch.ts'
import { COMPRESSORS, type Compressor } from './compressors.ts'
import type { Contract, Verdict } from './contract.ts'
import { KAFKA_MS, text } from './message.ts'

/** A record batch that a broker takes, and that is hostile as such: a bomb, or numbers that don't fit. */
export interface HostileBatch {
  readonly options: BatchOptions
  /** What must become of each of its records, as it is found in the dead letters. */
  readonly expected: readonly ExpectedRecord[]
}

export interface ExpectedRecord {
  readonly verdict: Verdict | { readonly code: 'undecodable' }
  readonly key: Buffer | null
  /** `batch`: the bytes of the batch as the log has them. */
  readonly value: Buffer | null | 'batch'
  readonly headers: readonly { readonly key: string; readonly value: Buffer | null }[]
}

/** Of a stream: what its batches are made of. */
interface Parts {
  /** A message that keeps the contract. */
  readonly good: () => Buffer
  /** A record that its bytes decide about. */
  readonly decided: (value: Buffer | null, kafkaMs?: number) => ExpectedRecord
  /** A batch of such records. */
  readonly decodable: (values: readonly (Buffer | null)[], options?: BatchOptions) => HostileBatch
}
type Make = (parts: Parts) => HostileBatch

/** Past what the product unpacks (16 MB). */
const BOMB_BYTES = 20 * 1024 * 1024
const MANY_HEADERS = 3_000_000

function partsOf({ validFields, judge }: Contract, random: Random): Parts {
  const decided: Parts['decided'] = (value, kafkaMs = KAFKA_MS) => ({
    verdict: judge(value, kafkaMs),
    key: null,
    value,
    headers: [],
  })
  return {
    good: () => Buffer.from(text(validFields(random, KAFKA_MS))),
    decided,
    decodable: (values, options = {}) => ({
      options: { records: values.map((value) => ({ value })), ...options },
      expected: values.map((value) => decided(value)),
    }),
  }
}

/** Each of its offsets is a dead letter; the first has the bytes of all. */
const undecodable = (options: BatchOptions): HostileBatch => ({
  options,
  expected: Array.from({ length: options.count ?? options.records?.length ?? 1 }, (_, i) => ({
    verdict: { code: 'undecodable' },
    key: null,
    value: i === 0 ? 'batch' : null,
    headers: [],
  })),
})

/** Made once: what takes a second to compress. */
function once(make: () => BatchOptions): () => BatchOptions {
  let made: BatchOptions | undefined
  return () => (made ??= make())
}

const bomb = (compressor: Compressor): Make => {
  const options = once(() => {
    const records: BatchRecord[] = [{}, { value: Buffer.alloc(BOMB_BYTES) }, {}]
    const body = compressor.compress(encoded(records))
    return { records, codec: { id: compressor.id, compress: () => body } }
  })
  return () => undecodable(options())
}

/** The records of a batch as they are before compression. */
const encoded = (records: readonly BatchRecord[]) => aRecordBatch({ records }).subarray(61)

const withDeltas = (...deltas: number[]): Make => {
  return ({ good }) => {
    const records = deltas.map((offsetDelta) => ({ value: good(), offsetDelta }))
    return undecodable({ records, lastOffsetDelta: deltas.length - 1 })
  }
}

const withTime = (timestampDelta: number, kafkaMs: number): Make => {
  return ({ good, decided }) => {
    const value = good()
    return { options: { records: [{ value, timestampDelta }] }, expected: [decided(value, kafkaMs)] }
  }
}

/** A record written by hand: attributes, times and key as given, and nothing checked. */
function rawRecord(parts: { attributes?: number; key?: Buffer; value: Buffer; headers?: Buffer }): Buffer {
  const body = Buffer.concat([
    Buffer.from([parts.attributes ?? 0, 0, 0]),
    parts.key ?? varint(-1),
    varint(parts.value.length),
    parts.value,
    parts.headers ?? varint(0),
  ])
  return Buffer.concat([varint(body.length), body])
}

const emptyHeaders = (count: number) => Buffer.concat([varint(count), Buffer.alloc(2 * count, '\0\x01')])

const headersBomb = once(() => {
  const body = gzipSync(rawRecord({ value: Buffer.from('{}'), headers: emptyHeaders(MANY_HEADERS) }))
  return { codec: { id: 1, compress: () => body }, count: 1 }
})

const MAKERS: Readonly<Record<string, Make>> = {
  ...Object.fromEntries(
    Object.entries(COMPRESSORS).map(([name, compressor]) => [`${name} bomb`, bomb(compressor)]),
  ),
  'headers bomb': () => undecodable(headersBomb()),
  'one header more than may be': ({ good }) => {
    const headers = Array.from({ length: 10_001 }, () => ({ key: '', value: null }))
    return undecodable({ records: [{ value: good(), headers }] })
  },
  'as many headers as may be': ({ good, decided }) => {
    const value = good()
    const headers = Array.from({ length: 10_000 }, () => ({ key: '', value: null }))
    return { options: { records: [{ value, headers }] }, expected: [{ ...decided(value), headers }] }
  },
  'records bomb': ({ decodable }) => decodable(Array<null>(1_000).fill(null), { codec: COMPRESSORS.gzip }),
  'a value of 3 MB': ({ decodable }) =>
    decodable([Buffer.alloc(3 * 1024 * 1024, '[')], { codec: COMPRESSORS.gzip }),
  'a value of 8 MB': () =>
    undecodable({ records: [{ value: Buffer.alloc(8 * 1024 * 1024, '[') }], codec: COMPRESSORS.gzip }),
  'brackets of 1 MB': ({ decodable }) =>
    decodable(Array<Buffer>(8).fill(Buffer.alloc(1_048_576, '[')), { codec: COMPRESSORS.gzip }),
  'offsets that repeat': withDeltas(0, 0, 1),
  'offsets that go back': withDeltas(2, 1, 0),
  'an offset far behind the batch': withDeltas(0, 1_000_000),
  'an offset just behind the batch': withDeltas(0, 2),
  'an offset before the batch': withDeltas(-5, 1),
  'a time of 2^60 before': withTime(-(2 ** 60), -210_866_803_200_000),
  'a last time that lies': ({ good, decodable }) =>
    decodable([good()], { maxTimestamp: KAFKA_MS - 1_000_000 }),
  'attributes that mean nothing': ({ good, decided }) => {
    const value = good()
    return { options: { body: rawRecord({ attributes: 0x7f, value }), count: 1 }, expected: [decided(value)] }
  },
  'a key of length −5': ({ good, decided }) => {
    const value = good()
    return { options: { body: rawRecord({ key: varint(-5), value }), count: 1 }, expected: [decided(value)] }
  },
  'a header’s name that is no UTF-8': ({ decided }) => {
    const value = Buffer.from('no JSON')
    const headers = Buffer.concat([varint(1), varint(2), Buffer.from([0xff, 0x61]), varint(-1)])
    const expected = { ...decided(value), headers: [{ key: '\uFFFDa', value: null }] }
    return { options: { body: rawRecord({ value, headers }), count: 1 }, expected: [expected] }
  },
  'gzip in two members': (parts) => inTwo(parts, 1, gzipSync),
  'zstd in two frames': (parts) => inTwo(parts, 4, zstdCompressSync),
  'gzip with junk behind it': ({ good }) =>
    undecodable({ records: [{ value: good() }], codec: { id: 1, compress: withJunk } }),
}

const withJunk = (bytes: Buffer) => Buffer.concat([gzipSync(bytes), Buffer.from('junk')])

function inTwo({ good, decodable }: Parts, id: number, pack: (bytes: Buffer) => Buffer): HostileBatch {
  const compress = (bytes: Buffer) => Buffer.concat([pack(bytes.subarray(0, 9)), pack(bytes.subarray(9))])
  return decodable([good()], { codec: { id, compress } })
}

export const BATCH_NAMES: readonly string[] = Object.keys(MAKERS)

/** @param contract of the stream whose messages are in it. */
export const hostileBatch = (name: string, contract: Contract, random: Random): HostileBatch =>
  MAKERS[name]!(partsOf(contract, random))
