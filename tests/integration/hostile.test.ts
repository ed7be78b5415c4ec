import { gzipSync, zstdCompressSync } from 'node:zlib'
import { expect, inject, test } from 'vitest'
import { decodeRecordSet } from '../../etl/kafka/record-batch.ts'
import { streams } from '../../streams/index.ts'
import { judgedStreams } from '../hostile/contract.ts'
import { connectRawProducer } from '../hostile/raw-producer.ts'
import { report } from '../hostile/report.ts'
import { fuzz } from '../hostile/run.ts'
import { aRecordBatch, withFlippedBit } from '../support/a-record-batch.ts'
import { aWorld } from '../support/world.ts'

const ofVersions = streams.find(
  ({ name, identity }) => identity.latest !== undefined && judgedStreams.includes(name),
)

/** A small one of `npm run fuzz`, of the first stream and the first of versions: each hostile batch, each trap some times. */
test.for([
  [streams[0]!.name, 5_000],
  ...(ofVersions === undefined ? [] : [[ofVersions.name, 2_000] as const]),
] as const)(
  'of %s %i hostile records become what they should, and the ETL stays small',
  { timeout: 120_000 },
  async ([stream, records]) => {
    const servers = { kafkaBrokers: inject('kafkaBrokers'), databaseUrl: inject('databaseUrl') }
    const result = await fuzz(servers, { stream, seed: 20_261_121, records })
    if (result.failures.length > 0) throw new Error(report(result))
    expect(result.records).toBeGreaterThanOrEqual(records)
  },
)

const time = { baseTimestamp: Date.now(), maxTimestamp: Date.now() }
const record = { value: Buffer.from('{}') }
const records = [record, record]
const UNKNOWN = -1
const CORRUPT = 2
const INVALID_RECORD = 87

/** What no broker stores; should one hand it out all the same, each offset is a dead letter. */
const REFUSED: readonly (readonly [string, number, Buffer])[] = [
  ['a wrong CRC', CORRUPT, withFlippedBit(aRecordBatch({ ...time, records }), 66)],
  ['message format 3', CORRUPT, aRecordBatch({ ...time, records, magic: 3 })],
  ['an unknown codec', UNKNOWN, compressed(5, (bytes) => bytes)],
  ['gzip that is none', UNKNOWN, compressed(1, (bytes) => bytes)],
  ['snappy that is none', UNKNOWN, compressed(2, () => Buffer.alloc(20, 0xff))],
  ['a snappy literal of 2 GB', UNKNOWN, compressed(2, () => Buffer.from('0afcfaffffff0000', 'hex'))],
  ['lz4 that is none', UNKNOWN, compressed(3, (bytes) => bytes)],
  ['zstd that is none', UNKNOWN, compressed(4, (bytes) => bytes)],
  ['gzip cut off', UNKNOWN, compressed(1, (bytes) => gzipSync(bytes).subarray(0, 20))],
  ['zstd cut off', UNKNOWN, compressed(4, (bytes) => zstdCompressSync(bytes).subarray(0, 15))],
  [
    'more records than it has',
    INVALID_RECORD,
    aRecordBatch({ ...time, records, count: 3, lastOffsetDelta: 2 }),
  ],
  [
    'fewer records than it has',
    INVALID_RECORD,
    aRecordBatch({ ...time, records, count: 1, lastOffsetDelta: 0 }),
  ],
  ['two billion records', INVALID_RECORD, aRecordBatch({ ...time, count: 2e9, lastOffsetDelta: 2e9 - 1 })],
  [
    'a record that claims 2 GB',
    INVALID_RECORD,
    aRecordBatch({ ...time, body: Buffer.from('feffffff0f000000', 'hex') }),
  ],
]

test('a broker refuses to store what no client would make', { timeout: 60_000 }, async () => {
  const world = await aWorld({ partitions: 1 })
  const producer = await connectRawProducer(inject('kafkaBrokers').split(',')[0]!)
  try {
    const answers: Record<string, number> = {}
    for (const [name, , batch] of REFUSED)
      answers[name] = (await producer.send(world.topic, 0, batch)).errorCode
    expect(answers).toEqual(Object.fromEntries(REFUSED.map(([name, code]) => [name, code])))
    expect(await producer.send(world.topic, 0, aRecordBatch({ ...time, records }))).toEqual({
      errorCode: 0,
      baseOffset: 0,
    })
    const future = { baseTimestamp: Date.now() + 7_200_000, maxTimestamp: Date.now() + 7_200_000, records }
    expect((await producer.send(world.topic, 0, aRecordBatch(future))).errorCode).toBe(0)
  } finally {
    producer.close()
  }
})

test.for(REFUSED)('a stored batch with %s would be undecodable', ([, , batch]) => {
  const [decoded] = decodeRecordSet(batch, [])
  expect(decoded!.records[Symbol.iterator]().next().value).toMatchObject({
    value: batch,
    undecodable: expect.any(String) as string,
  })
})

function compressed(id: number, compress: (bytes: Buffer) => Uint8Array): Buffer {
  return aRecordBatch({ ...time, records, codec: { id, compress } })
}
