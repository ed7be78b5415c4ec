import { describe, expect, test } from 'vitest'
import { compileEnvelope } from '../../etl/stream/envelopes/compile.ts'
import type { EnvelopeSpec } from '../../etl/stream/envelopes/envelope.ts'
import { compile } from '../../etl/stream/compile.ts'
import { contractHash } from '../../etl/stream/registry.ts'
import { defineStream } from '../../etl/stream/define.ts'
import { envelope, header, instant, int, key, text } from '../../etl/stream/words.ts'
import {
  change,
  heartbeat,
  logMessage,
  recordOf,
  transactionEnd,
  truncated,
  withSchema,
} from '../support/debezium.ts'

const fields = {
  id: int(),
  name: text(50, { at: 'name.first' }),
  at: instant({ epoch: 'ms', at: 'updated' }),
}
const unwrapAs = (spec: EnvelopeSpec) => compileEnvelope(spec, fields)

describe('json', () => {
  const unwrap = unwrapAs('json')

  test('the value is the row, and a null says that one is gone', () => {
    expect(unwrap(recordOf({ id: 1 }))).toEqual({ row: { id: 1 } })
    expect(unwrap(recordOf(null))).toEqual({ deletion: {} })
    expect(unwrap(recordOf('['))).toMatchObject({ code: 'malformed_json' })
  })
})

describe('debezium', () => {
  const unwrap = unwrapAs('debezium')
  const after = { id: 1, name: { first: 'Anne' }, updated: 1 }

  test.for(['c', 'u', 'r'])('%s: the row is after, with or without a schema', (op) => {
    const payload = change(op, { before: { id: 1 }, after })
    const expected = { row: after, version: 24_023_128n, writer: 'shop', parts: payload }
    expect(unwrap(recordOf(payload))).toEqual(expected)
    expect(unwrap(recordOf(withSchema(payload)))).toEqual(expected)
  })

  test('d: a deletion, of which before is known, and the key where before has less', () => {
    const before = { id: 1, name: null }
    expect(unwrap(recordOf(change('d', { before }), { key: { id: 1 } }))).toMatchObject({
      deletion: before,
      version: 24_023_128n,
    })
    // REPLICA IDENTITY NOTHING, or a key of other columns.
    expect(unwrap(recordOf(change('d'), { key: withSchema({ id: 4 }) }))).toMatchObject({
      deletion: { id: 4 },
    })
    expect(unwrap(recordOf(change('d'), { key: 'no JSON' }))).toMatchObject({ deletion: {} })
  })

  test.for([
    ['the tombstone after a deletion', null],
    ['a tombstone with a schema', withSchema(null)],
    ['a message of the log', logMessage()],
    ['a heartbeat', heartbeat()],
    ['a heartbeat with a schema', withSchema(heartbeat())],
    ['transaction metadata', transactionEnd()],
  ])('%s is skipped', ([, value]) => {
    expect(unwrap(recordOf(value))).toEqual({ skip: expect.any(String) as string })
  })

  test('t stops, and names the table', () => {
    expect(unwrap(recordOf(truncated()))).toEqual({
      stop: 'truncated',
      reason: 'the table shop.public.customers was emptied at its source (op t)',
    })
  })

  const placeholder = '__debezium_unavailable_value'
  test.for([
    ['as it is', { ...after, name: { first: placeholder } }],
    ['in base64', { ...after, name: { first: Buffer.from(placeholder).toString('base64') } }],
    ['in hex', { ...after, name: { first: Buffer.from(placeholder).toString('hex') } }],
    ['in an array', { ...after, name: { first: [placeholder] } }],
    ['in place of what the field stands in', { ...after, name: placeholder }],
  ])('a value that Postgres did not write, %s, makes the row incomplete', ([, row]) => {
    expect(unwrap(recordOf(change('u', { after: row })))).toEqual({
      code: 'incomplete_row',
      field: 'name.first',
      problem: expect.stringMatching(/^name\.first is __debezium.*REPLICA IDENTITY FULL$/) as string,
    })
  })

  test('such a value in a column that is no field harms nobody', () => {
    expect(unwrap(recordOf(change('u', { after: { ...after, notes: placeholder } })))).toMatchObject({
      row: {},
    })
  })

  test('its text can be another, and so can the version', () => {
    const mine = unwrapAs({ debezium: { placeholder: '?', version: 'source.scn' } })
    expect(mine(recordOf(change('u', { after: { ...after, id: '?' } })))).toMatchObject({ field: 'id' })
    expect(mine(recordOf(change('u', { after }, { scn: '9007199254740993' })))).toMatchObject({
      version: 9_007_199_254_740_993n,
    })
    expect(mine(recordOf(change('u', { after }, { scn: 1.5 })))).toMatchObject({ version: undefined })
  })

  test.for([
    [{ id: 1 }, 'op', /^op is missing; it must be one of c, u, r, d, t, m/],
    [change('x'), 'op', /^op is "x"/],
    [change('c'), 'after', /^after is null; it must be the row, as op is c$/],
    [withSchema(7), 'payload', /^payload is 7; it must be an object$/],
  ] as const)('%j is no change event', ([value, field, problem]) => {
    expect(unwrap(recordOf(value))).toMatchObject({
      code: 'schema_violation',
      field,
      problem: expect.stringMatching(problem) as string,
    })
  })

  test('what is no JSON is a dead letter like any', () => {
    expect(unwrap(recordOf('{'))).toMatchObject({ code: 'malformed_json' })
    expect(unwrap(recordOf('[]'))).toMatchObject({ code: 'schema_violation' })
  })
})

describe('cloudevents', () => {
  const unwrap = unwrapAs('cloudevents')
  const attributes = {
    specversion: '1.0',
    type: 'com.example.order',
    source: '/shop/1',
    id: 'A234-1234-1234',
    time: '2018-04-05T17:31:00Z',
  }
  const binary = (changes: Readonly<Record<string, string>> = {}) => ({
    ...Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`ce_${name}`, value])),
    'content-type': 'application/json; charset=utf-8',
    ...changes,
  })
  const data = { id: 1 }

  test('structured: the row is data', () => {
    const event = { ...attributes, datacontenttype: 'application/json', data }
    const headers = { 'content-type': 'application/cloudevents+json; charset=UTF-8' }
    expect(unwrap(recordOf(event, { headers }))).toEqual({
      row: data,
      parts: { ...attributes, datacontenttype: 'application/json' },
    })
    // Not every client sets the header.
    expect(unwrap(recordOf({ ...attributes, data }))).toMatchObject({ row: data })
    const inBase64 = { ...attributes, data_base64: Buffer.from('{"id":1}').toString('base64') }
    expect(unwrap(recordOf(inBase64))).toMatchObject({ row: data })
  })

  test('binary: the row is the value, the attributes are headers', () => {
    expect(unwrap(recordOf(data, { headers: binary() }))).toEqual({
      row: data,
      parts: { ...attributes, datacontenttype: 'application/json; charset=utf-8' },
    })
    expect(
      unwrap(recordOf(data, { headers: binary({ 'content-type': 'application/vnd.shop+json' }) })),
    ).toMatchObject({ row: data })
    expect(unwrap(recordOf(null, { headers: binary() }))).toMatchObject({ deletion: {} })
  })

  test('other types than those that are rows are skipped', () => {
    const some = unwrapAs({ cloudevents: { types: ['com.example.refund'] } })
    expect(some(recordOf(data, { headers: binary() }))).toEqual({ skip: 'an event of another type' })
    expect(some(recordOf(data, { headers: binary({ ce_type: 'com.example.refund' }) }))).toMatchObject({
      row: data,
    })
  })

  test.for([
    ['no event', data, {}, 'specversion', /^specversion is missing; it must be "1.0"/],
    ['an old one', data, binary({ ce_specversion: '0.3' }), 'specversion', /^specversion is "0.3"/],
    ['without an id', data, binary({ ce_id: '' }), 'id', /^id is ""; it must be a text/],
    ['without data', attributes, {}, 'data', /^data is missing; it must be a JSON object$/],
    ['data that are a text', { ...attributes, data: 'x' }, {}, 'data', /^data is "x"/],
    ['bad base64', { ...attributes, data_base64: '*' }, {}, 'data_base64', /it must be base64$/],
    [
      'a batch',
      [],
      { 'content-type': 'application/cloudevents-batch+json' },
      'the header content-type',
      /it must be one event a record$/,
    ],
    ['a null', null, {}, undefined, /^value is null without a header ce_specversion/],
  ] as const)('%s is a dead letter', ([, value, headers, field, problem]) => {
    const { code, ...said } = unwrap(recordOf(value, { headers })) as Record<string, unknown>
    expect(code).toBe('schema_violation')
    expect(said).toEqual({
      ...(field !== undefined && { field }),
      problem: expect.stringMatching(problem) as string,
    })
  })

  test('data of another kind are a dead letter malformed_value', () => {
    expect(
      unwrap(recordOf('<a/>', { headers: binary({ 'content-type': 'application/xml' }) })),
    ).toMatchObject({
      code: 'malformed_value',
      problem: 'datacontenttype is "application/xml"; it must be application/json or another of JSON',
    })
    expect(unwrap(recordOf('{', { headers: binary() }))).toMatchObject({ code: 'malformed_json' })
  })
})

describe('a function', () => {
  test('gets value, key and headers, and says what the record is', () => {
    const unwrap = unwrapAs((value, recordKey, headers) =>
      headers.length > 0
        ? { skip: 'a test' }
        : { row: { id: Number(value), name: { first: String(recordKey) } } },
    )
    expect(unwrap(recordOf('17', { key: 'pear' }))).toEqual({ row: { id: 17, name: { first: 'pear' } } })
    expect(unwrap(recordOf('17', { headers: { test: '1' } }))).toEqual({ skip: 'a test' })
  })

  test('what it throws, or gives beside what an envelope gives, is a dead letter', () => {
    const throws = unwrapAs(() => {
      throw new TypeError('no pear')
    })
    expect(throws(recordOf('17'))).toMatchObject({
      code: 'malformed_value',
      problem: "value could not be unwrapped (no pear); it must be what the stream's envelope takes",
    })
    expect(unwrapAs((() => 17) as never)(recordOf('17'))).toMatchObject({ code: 'malformed_value' })
    expect(unwrapAs((() => Promise.resolve({ row: {} })) as never)(recordOf('17'))).toMatchObject({
      code: 'malformed_value',
    })
  })
})

const declare = (spec?: EnvelopeSpec) => {
  const isBare = spec === undefined || spec === 'json'
  return defineStream('customers', {
    title: 'customer',
    topic: { key: 'id' },
    ...(spec !== undefined && { envelope: spec }),
    fields: {
      id: int({ column: 'customer_id' }),
      name: text(50),
      changed_at: instant({
        epoch: 'ms',
        at: isBare ? 'changed_at' : envelope('source.ts_ms'),
      }),
      place: text(9, { at: header('place') }).optional(),
      who: text(9, { at: key() }).optional(),
    },
    eventTime: 'changed_at',
    partitionBy: 'month',
    identity: { once: 'id', scope: 'event_time' },
  })
}

describe('the contract', () => {
  const { validate } = compile(declare('debezium'))
  const after = { id: 1, name: 'Anne' }

  test('reads fields from the row, and from the envelope where they say so', () => {
    const record = recordOf(change('c', { after }), { key: 'k', headers: { place: 'here' } })
    expect(validate(record, 100)).toEqual({
      record,
      row: { ...after, changed_at: 1_559_033_904_863_000, place: 'here', who: 'k' },
      writer: 'shop',
    })
    expect(validate(recordOf(change('c', { after }, { ts_ms: null })), 100)).toMatchObject({
      code: 'schema_violation',
      issues: [{ field: 'source.ts_ms of the envelope' }],
    })
  })

  test('takes no deletion where each fact happens once', () => {
    expect(validate(recordOf(change('d', { before: after })), 100)).toMatchObject({
      code: 'schema_violation',
      issues: [
        {
          field: '',
          message: 'value deletes a customer; it must be a customer, as each one happens once and stays',
        },
      ],
    })
  })

  test('says what stops and what is skipped', () => {
    expect(validate(recordOf(truncated()), 100)).toMatchObject({
      stop: 'truncated',
      reason: /^offset 7: the table/,
    })
    expect(validate(recordOf(null), 100)).toMatchObject({ skip: 'a tombstone' })
  })

  test('has a hash that knows the envelope, and is as ever without one', () => {
    const hashes = [declare(), declare('debezium'), declare({ debezium: { version: 'source.scn' } })].map(
      contractHash,
    )
    expect(new Set(hashes).size).toBe(3)
    expect(contractHash(declare('json'))).toBe(
      contractHash({ ...declare('json'), envelope: undefined } as never),
    )
  })
})
