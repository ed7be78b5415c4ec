import { expect, test } from 'vitest'
import { deadLetterMessage, deadLetterStub } from '../../etl/job/dead-letter-message.ts'
import type { UnpublishedDeadLetter } from '../../etl/ledger/dead-letters.ts'

const aDeadLetter = (overrides: Partial<UnpublishedDeadLetter> = {}): UnpublishedDeadLetter => ({
  isTooLarge: false,
  id: 17,
  partition: 2,
  offset: 1_200,
  incarnation: 1,
  key: Buffer.from('customer-1'),
  value: Buffer.from([0xff, 0x00]),
  headers: [],
  code: 'malformed_json',
  issues: [{ field: '', message: 'no JSON' }],
  batchId: 'transactions:2:1000-1999',
  createdAt: Date.parse('2026-11-21T10:00:00Z'),
  ...overrides,
})
const text = (value: unknown) => (Array.isArray(value) ? value : [value]).map(String)

test('the message names its origin in the key and everything else in headers', () => {
  const message = deadLetterMessage('transactions', aDeadLetter())
  expect(message.key).toBe('transactions:2:1200')
  expect(message.value).toEqual(Buffer.from([0xff, 0x00]))
  const headers = Object.fromEntries(
    Object.entries(message.headers ?? {}).map(([name, value]) => [name, text(value)]),
  )
  expect(headers).toEqual({
    'dlq.code': ['malformed_json'],
    'dlq.issues': ['[{"field":"","message":"no JSON"}]'],
    'dlq.topic': ['transactions'],
    'dlq.partition': ['2'],
    'dlq.offset': ['1200'],
    'dlq.key': ['customer-1'],
    'dlq.batch_id': ['transactions:2:1000-1999'],
    'dlq.time': ['2026-11-21T10:00:00.000Z'],
  })
})

test('from the second incarnation on the key says which', () => {
  expect(deadLetterMessage('t', aDeadLetter({ incarnation: 2 })).key).toBe('t:2:1200:2')
})

test('a null value stays null', () => {
  expect(deadLetterMessage('t', aDeadLetter({ value: null })).value).toBeNull()
})

test('original headers stay, those of one name in their order', () => {
  const headers = [
    { key: 'trace', value: Buffer.from('1') },
    { key: 'other', value: null },
    { key: 'trace', value: Buffer.from('2') },
    { key: 'dlq.code', value: Buffer.from('of an earlier life') },
  ]
  const message = deadLetterMessage('t', aDeadLetter({ headers }))
  expect(text(message.headers?.['trace'])).toEqual(['1', '2'])
  expect(text(message.headers?.['other'])).toEqual([''])
  expect(text(message.headers?.['dlq.code'])).toEqual(['of an earlier life', 'malformed_json'])
})

test.for(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
  'a header named %s stays a header',
  (name) => {
    const headers = [{ key: name, value: Buffer.from('hostile') }]
    const message = deadLetterMessage('t', aDeadLetter({ headers }))
    const stored = Object.entries(message.headers ?? {}).find(([key]) => key === name)
    expect(text(stored?.[1])).toEqual(['hostile'])
    expect(Object.getPrototypeOf(message.headers)).toBe(Object.prototype)
  },
)

test('the stub has neither bytes nor original headers and points to its row', () => {
  const big = aDeadLetter({
    headers: [{ key: 'trace', value: Buffer.alloc(1_000) }],
    issues: Array.from({ length: 100 }, () => ({ field: 'f', message: 'm' })),
  })
  const stub = deadLetterStub('transactions', big)
  expect(stub.key).toBe('transactions:2:1200')
  expect(stub.value).toBeNull()
  expect(text(stub.headers?.['dlq.stub'])).toEqual(['audit.dead_letters.id=17'])
  expect(Object.keys(stub.headers ?? {})).not.toContain('trace')
  expect(JSON.parse(text(stub.headers?.['dlq.issues'])[0]!)).toHaveLength(5)
})
