import { assert, bigInt, nat, property, uint8Array } from 'fast-check'
import protobuf from 'protobufjs'
import { describe, expect, test } from 'vitest'
import { compileEnvelope } from '../../etl/stream/envelopes/compile.ts'
import { decimalText } from '../../etl/stream/envelopes/decimal-text.ts'
import type { RegistryOptions } from '../../etl/stream/envelopes/envelope.ts'
import { Schemas, type RegisteredSchema } from '../../etl/stream/envelopes/schemas.ts'
import { int, text } from '../../etl/stream/words.ts'
import { framed, inAvro } from '../support/avro.ts'
import { change, recordOf } from '../support/debezium.ts'

/** Values that name the schema that they were written by, with the schemas at hand. */

const fields = { id: int(), name: text(50) }

function unwrapWith(schemas: readonly RegisteredSchema[], options: RegistryOptions = {}) {
  const known = new Schemas()
  for (const schema of schemas) known.learn(schema)
  const unwrap = compileEnvelope({ registry: options }, fields, known)
  return (value: Buffer | null) => unwrap(recordOf(value))
}
const avroSchema = (
  id: number,
  schema: object,
  imports: RegisteredSchema['imports'] = [],
): RegisteredSchema => ({
  id,
  type: 'AVRO',
  text: JSON.stringify(schema),
  imports,
})
const record = (fieldsOf: readonly object[], name = 'Sale') => ({ type: 'record', name, fields: fieldsOf })

describe('the frame', () => {
  const unwrap = unwrapWith([])

  test.for([
    [
      'JSON without one',
      Buffer.from('{"id":1}'),
      /^value begins with 0x7b22696422; it must begin with a 0 byte/,
    ],
    ['four bytes', Buffer.from([0, 0, 0, 1]), /^value begins with 0x00000001/],
    ['no byte', Buffer.alloc(0), /^value is empty; it must begin/],
  ] as const)('%s is a dead letter malformed_value', ([, value, problem]) => {
    expect(unwrap(value)).toEqual({
      code: 'malformed_value',
      problem: expect.stringMatching(problem) as string,
    })
  })

  test('a schema that nobody knows is a dead letter unknown_schema', () => {
    expect(unwrap(framed(4_294_967_295, Buffer.from('{}')))).toEqual({
      code: 'unknown_schema',
      problem:
        'value names schema 4294967295, which the schema registry did not have; it must be registered before it is used',
    })
  })

  test('a null says that a row is gone', () => {
    expect(unwrap(null)).toEqual({ deletion: {} })
  })

  test('what is missing is told once, and only of values that name a schema', () => {
    const schemas = new Schemas()
    schemas.learn({ id: 1, type: 'JSON', text: '{}', imports: [] })
    const values = [
      framed(1, Buffer.from('{}')),
      framed(2, Buffer.alloc(0)),
      framed(2, Buffer.alloc(0)),
      Buffer.from('{'),
    ]
    expect(schemas.missing([...values, null].map((value) => recordOf(value)))).toEqual([2])
  })
})

test('JSON Schema: the value is JSON, and the contract decides', () => {
  const unwrap = unwrapWith([{ id: 7, type: 'JSON', text: '{"type":"object"}', imports: [] }])
  expect(unwrap(framed(7, Buffer.from('{"id":1}')))).toEqual({ row: { id: 1 } })
  expect(unwrap(framed(7, Buffer.from('{')))).toMatchObject({ code: 'malformed_json' })
})

test.each(['AVRO', 'PROTOBUF'] as const)(
  'any bytes behind a head of %s are a row or a dead letter',
  (type) => {
    const line = record(
      [
        { name: 'sku', type: 'string' },
        { name: 'next', type: ['null', 'Line'] },
      ],
      'Line',
    )
    const written = {
      AVRO: JSON.stringify(
        record([
          { name: 'n', type: 'long' },
          { name: 'lines', type: { type: 'array', items: line } },
        ]),
      ),
      PROTOBUF:
        'syntax = "proto3"; message Sale { string id = 1; repeated Sale lines = 2; map<string, int64> counts = 3; bytes raw = 4; }',
    }[type]
    const unwrap = unwrapWith([{ id: 1, type, text: written, imports: [] }])
    assert(
      property(uint8Array({ maxLength: 60 }), (bytes) => {
        const unwrapped = unwrap(framed(1, Buffer.from(bytes)))
        expect('row' in unwrapped || ('code' in unwrapped && unwrapped.code === 'malformed_value')).toBe(true)
      }),
      { numRuns: 3_000 },
    )
  },
)

describe('Avro', () => {
  const schema = record([
    { name: 'id', type: 'string' },
    { name: 'amount', type: { type: 'bytes', logicalType: 'decimal', precision: 10, scale: 2 } },
    {
      name: 'rate',
      type: { type: 'fixed', name: 'Rate', size: 4, logicalType: 'decimal', precision: 8, scale: 3 },
    },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'day', type: ['null', { type: 'int', logicalType: 'date' }], default: null },
    { name: 'uuid', type: { type: 'string', logicalType: 'uuid' } },
    { name: 'raw', type: ['null', 'bytes'], default: null },
    { name: 'any', type: ['null', 'int', 'string'] },
    { name: 'big', type: 'long' },
    { name: 'kind', type: { type: 'enum', name: 'Kind', symbols: ['VIEW', 'CART'] } },
    { name: 'tags', type: { type: 'map', values: 'int' } },
    { name: 'lines', type: { type: 'array', items: record([{ name: 'sku', type: 'string' }], 'Line') } },
  ])
  const value = {
    id: 'a',
    amount: Buffer.from([0x04, 0xe2]),
    rate: Buffer.from([0xff, 0xff, 0xff, 0xfe]),
    at: 1_767_225_600_000,
    day: 20_454,
    uuid: '01890000-0000-7000-8000-000000000000',
    raw: Buffer.from('hi'),
    any: 'x',
    big: 9_007_199_254_740_993n,
    kind: 'CART',
    tags: { a: 1 },
    lines: [{ sku: 's' }],
  }
  const bytes = inAvro(schema, value)
  const unwrap = unwrapWith([avroSchema(3, schema)])

  test('a record is read into plain values, as words take them', () => {
    expect(unwrap(framed(3, bytes))).toEqual({
      row: {
        ...value,
        amount: '12.50',
        rate: '-0.002',
        raw: Buffer.from('hi').toString('base64'),
      },
    })
    expect(
      unwrap(framed(3, inAvro(schema, { ...value, day: null, raw: null, any: null, big: 5 }))),
    ).toMatchObject({
      row: { day: null, raw: null, any: null, big: 5 },
    })
  })

  test.for([
    ['cut off', bytes.subarray(0, -1)],
    ['with more behind it', Buffer.concat([bytes, Buffer.from([0])])],
    ['of another schema', Buffer.from([0x7f])],
    ['empty', Buffer.alloc(0)],
  ] as const)('a value %s is a dead letter malformed_value', ([, body]) => {
    expect(unwrap(framed(3, body))).toEqual({
      code: 'malformed_value',
      problem: expect.stringMatching(/^value is not what schema 3 says \(.+\); it must be written/) as string,
    })
  })

  test('a long is read to the digit, as avsc writes it', () => {
    const long = record([{ name: 'n', type: 'long' }])
    const read = unwrapWith([avroSchema(8, long)])
    assert(
      property(bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), nat(63), (wide, bits) => {
        const n = wide >> BigInt(bits)
        const { row } = read(framed(8, inAvro(long, { n }))) as { row: { n: number | bigint } }
        expect(BigInt(row.n)).toBe(n)
        expect(typeof row.n === 'number').toBe(Number.isSafeInteger(Number(n)))
      }),
    )
  })

  test('types of other schemas are found where it refers to them', () => {
    const money = record([{ name: 'cents', type: 'long' }], 'shop.Money')
    const order = record(
      [
        { name: 'id', type: 'int' },
        { name: 'total', type: 'shop.Money' },
      ],
      'shop.Order',
    )
    const together = record(
      [
        { name: 'id', type: 'int' },
        { name: 'total', type: money },
      ],
      'shop.Order',
    )
    const read = unwrapWith([avroSchema(4, order, [{ name: 'shop.Money', text: JSON.stringify(money) }])])
    expect(read(framed(4, inAvro(together, { id: 1, total: { cents: 250 } })))).toEqual({
      row: { id: 1, total: { cents: 250 } },
    })
  })

  test.for([
    ['no record', '"string"'],
    ['no schema', '{"type":"record"}'],
    ['no JSON', '{'],
    ['a type that is missing', JSON.stringify(record([{ name: 'a', type: 'shop.Money' }]))],
  ] as const)(
    'a schema that is %s makes dead letters of what is written by it, and harms nothing else',
    ([, written]) => {
      const read = unwrapWith([{ id: 5, type: 'AVRO', text: written, imports: [] }, avroSchema(3, schema)])
      expect(read(framed(5, bytes))).toMatchObject({
        code: 'malformed_value',
        problem: expect.stringMatching(/^value names schema 5, which can't be read/) as string,
      })
      expect(read(framed(3, bytes))).toMatchObject({ row: { id: 'a' } })
    },
  )

  test('a Debezium change event in Avro is unwrapped, with a value that Postgres did not write', () => {
    const source = record(
      [
        { name: 'name', type: 'string' },
        { name: 'lsn', type: ['null', 'long'] },
      ],
      'Source',
    )
    const row = record(
      [
        { name: 'id', type: 'int' },
        { name: 'name', type: 'string' },
      ],
      'Value',
    )
    const event = record(
      [
        { name: 'before', type: ['null', row] },
        { name: 'after', type: ['null', 'Value'] },
        { name: 'source', type: source },
        { name: 'op', type: 'string' },
      ],
      'Envelope',
    )
    const read = unwrapWith([avroSchema(6, event)], { holds: 'debezium' })
    const written = (op: string, parts: Readonly<Record<string, unknown>>) => {
      const { before, after, source: of } = change(op, parts)
      return framed(6, inAvro(event, { before, after, op, source: { name: of.name, lsn: of.lsn } }))
    }
    const after = { id: 1, name: 'Anne' }
    expect(read(written('u', { after }))).toMatchObject({ row: after, version: 24_023_128n, writer: 'shop' })
    expect(read(written('d', { before: after }))).toMatchObject({ deletion: after })
    expect(read(written('u', { after: { id: 1, name: '__debezium_unavailable_value' } }))).toMatchObject({
      code: 'incomplete_row',
      field: 'name',
    })
    expect(read(null)).toEqual({ skip: 'a tombstone' })
  })
})

test.for([
  [[], 0, '0'],
  [[0], 2, '0.00'],
  [[5], 3, '0.005'],
  [[0xff], 2, '-0.01'],
  [[0x04, 0xe2], 0, '1250'],
  [[0xfb, 0x1e], 2, '-12.50'],
  [[0x7f, ...Array.from({ length: 15 }, () => 0xff)], 10, '17014118346046923173168730371.5884105727'],
] as const)('%j with scale %i is %s', ([unscaled, scale, expected]) => {
  expect(decimalText(Buffer.from(unscaled), scale)).toBe(expected)
})

describe('Protobuf', () => {
  const source = `syntax = "proto3";
package shop;
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
message Other { string x = 1; }
message Sale {
  enum Kind { UNKNOWN = 0; CART = 1; }
  message Line { string sku = 1; }
  string order_id = 1;
  int64 cents = 2;
  uint64 big = 3;
  bool paid = 4;
  optional int32 seen = 5;
  Kind kind = 6;
  google.protobuf.Timestamp at = 7;
  google.protobuf.StringValue note = 8;
  repeated Line lines = 9;
  map<string, int32> counts = 10;
  bytes raw = 11;
  oneof way { string card = 12; string cash = 13; }
}`
  const root = new protobuf.Root()
  for (const name of ['timestamp', 'wrappers'])
    root.addJSON(protobuf.common.get(`google/protobuf/${name}.proto`)!.nested!)
  protobuf.parse(source, root, { keepCase: true })
  const written = (type: string, value: Record<string, unknown>, indexes: readonly number[]) => {
    const message = root.lookupType(type)
    return framed(
      9,
      Buffer.concat([Buffer.from(indexes), message.encode(message.fromObject(value)).finish()]),
    )
  }
  const unwrap = unwrapWith([{ id: 9, type: 'PROTOBUF', text: source, imports: [] }])
  /** Count and index, in zigzag: the second message of the file. */
  const SALE = [2, 2]

  test('a message is read into plain values, under the names of the schema', () => {
    const value = {
      order_id: 'a',
      cents: 1_250,
      big: '9007199254740993',
      paid: true,
      seen: 0,
      kind: 'CART',
      at: { seconds: 1_767_225_600, nanos: 123_456_000 },
      note: { value: 'x' },
      lines: [{ sku: 's' }],
      counts: { a: 1 },
      raw: Buffer.from('hi'),
      cash: 'yes',
    }
    expect(unwrap(written('shop.Sale', value, SALE))).toEqual({
      row: {
        ...value,
        big: 9_007_199_254_740_993n,
        at: '2026-01-01T00:00:00.123456000Z',
        note: 'x',
        raw: Buffer.from('hi').toString('base64'),
      },
    })
  })

  test('what is not written is its default, or missing where the schema tells the two apart', () => {
    expect(unwrap(written('shop.Sale', { order_id: 'a' }, SALE))).toEqual({
      row: { order_id: 'a', cents: 0, big: 0, paid: false, kind: 'UNKNOWN', lines: [], counts: {}, raw: '' },
    })
  })

  test('which message it is stands before it: the first is a single 0, one in another is reached by both', () => {
    expect(unwrap(written('shop.Other', { x: 'y' }, [0]))).toEqual({ row: { x: 'y' } })
    expect(unwrap(written('shop.Sale.Line', { sku: 's' }, [4, 2, 0]))).toEqual({ row: { sku: 's' } })
  })

  test.for([
    ['another index than there are', [2, 8], /has no message 4/],
    ['an index without an end', [2, 0xff, 0xff, 0xff, 0xff, 0xff], /too large/],
    ['too many', [126], /63 deep/],
    ['nothing', [], /./],
  ] as const)('%s is a dead letter', ([, indexes, problem]) => {
    expect(unwrap(framed(9, Buffer.from(indexes)))).toMatchObject({
      code: 'malformed_value',
      problem: expect.stringMatching(problem) as string,
    })
  })

  test('messages of imported files are known, and don’t count where it says which message it is', () => {
    const money = 'syntax = "proto3"; package shop; message Money { int64 cents = 1; }'
    const order = 'syntax = "proto3"; package shop; import "money.proto"; message Order { Money total = 1; }'
    const read = unwrapWith([
      { id: 9, type: 'PROTOBUF', text: order, imports: [{ name: 'money.proto', text: money }] },
    ])
    protobuf.parse(money, root)
    protobuf.parse(order, root)
    expect(read(written('shop.Order', { total: { cents: 5 } }, [0]))).toEqual({
      row: { total: { cents: 5 } },
    })
  })

  test('a file without a message can’t be read', () => {
    const read = unwrapWith([{ id: 9, type: 'PROTOBUF', text: 'syntax = "proto3";', imports: [] }])
    expect(read(framed(9, Buffer.from([0])))).toMatchObject({ code: 'malformed_value' })
  })
})
