import type { SourceRecord } from '../../etl/kafka/record.ts'

/** Messages in the shapes that Debezium's documentation shows for PostgreSQL. */

const SOURCE = {
  version: '3.0.0.Final',
  connector: 'postgresql',
  name: 'shop',
  ts_ms: 1_559_033_904_863,
  snapshot: 'false',
  db: 'shop',
  sequence: '["24023119","24023128"]',
  schema: 'public',
  table: 'customers',
  txId: 555,
  lsn: 24_023_128,
  xmin: null,
}

type Parts = Readonly<Record<string, unknown>>

export const change = (op: string, parts: Parts = {}, source: Parts = {}) => ({
  before: null,
  after: null,
  source: { ...SOURCE, ...source },
  transaction: null,
  op,
  ts_ms: 1_559_033_904_863,
  ...parts,
})

/** With `schemas.enable`, as Connect's JSON converter writes it. */
export const withSchema = (payload: unknown) => ({
  schema: { type: 'struct', optional: false, name: 'shop.public.customers.Envelope', fields: [] },
  payload,
})

export const truncated = (source: Parts = {}) => ({
  source: { ...SOURCE, ...source },
  op: 't',
  ts_ms: 1_559_033_904_961,
})
export const logMessage = () => ({
  source: SOURCE,
  op: 'm',
  ts_ms: 1_723_115_240_065,
  message: { prefix: 'foo', content: 'Ymfy' },
})
export const heartbeat = () => ({ ts_ms: 1_559_033_904_863 })
export const transactionEnd = () => ({
  status: 'END',
  id: '571:53195832',
  ts_ms: 1_486_500_577_000,
  event_count: 2,
  data_collections: [{ data_collection: 's1.a', event_count: 1 }],
})

const bytes = (of: unknown) =>
  of === null || of === undefined
    ? null
    : Buffer.isBuffer(of)
      ? of
      : Buffer.from(typeof of === 'string' ? of : JSON.stringify(of))

export const recordOf = (
  value: unknown,
  { key, headers = {} }: { key?: unknown; headers?: Readonly<Record<string, string>> } = {},
): SourceRecord => ({
  offset: 7,
  timestamp: 1_559_033_904_863,
  key: bytes(key),
  value: bytes(value),
  headers: Object.entries(headers).map(([name, text]) => ({ key: name, value: Buffer.from(text) })),
})
