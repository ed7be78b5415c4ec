import { InvalidArgumentError } from 'commander'
import { describe, expect, test } from 'vitest'
import { Command } from 'commander'
import { RUN_STATUSES } from '../../etl/schema/audit.ts'
import { addRuns } from '../../scripts/pulse/runs.ts'
import { aMoment } from '../../scripts/pulse/arguments.ts'
import { plainText, renderPayload, SHORT_BYTES } from '../../scripts/pulse/dead-letters/look.ts'
import { explain } from '../../scripts/pulse/errors.ts'
import { table } from '../../scripts/pulse/output.ts'
import { printable, printableJson } from '../../etl/text/printable.ts'
import { count, duration, offsets } from '../../etl/text/wording.ts'

describe('what a terminal would obey is written out', () => {
  test.each([
    ['escape sequences', '\u001b[31mred', String.raw`\u001b[31mred`],
    ['C1 controls', '\u009b31m', String.raw`\u009b31m`],
    ['line ends and tabs', 'a\nb\tc\r', String.raw`a\u000ab\u0009c\u000d`],
    ['marks that turn the direction', 'a\u202eb', String.raw`a\u202eb`],
    ['lone surrogates', 'a\ud800b', String.raw`a\ud800b`],
    ['and nothing else', 'Ünïcode 👍 ok', 'Ünïcode 👍 ok'],
  ])('%s', (_, text, shown) => expect(printable(text)).toBe(shown))

  test('in JSON too, which still means the same', () => {
    const value = { a: '\u001b\u009b\u202e\n', 'k\u0085': ['\ud800', 1, null] }
    const text = printableJson(value, 2)
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202e]/u)
    expect(JSON.parse(text)).toEqual(value)
  })
})

describe('a payload', () => {
  test.each([
    ['text', Buffer.from('{"a":\n\t1}'), '{"a":\n\t1}'],
    ['no UTF-8', Buffer.from([0x7b, 0xff]), undefined],
    ['a control character', Buffer.from('a\u0000'), undefined],
    ['an escape sequence', Buffer.from('a\u001b[0m'), undefined],
    ['a byte order mark', Buffer.from('\ufeff{}'), undefined],
  ])('is text or not: %s', (_, bytes, text) => expect(plainText(bytes)).toBe(text))

  test('is dumped with offset, bytes and ASCII where it is none', () => {
    expect(renderPayload('Key', Buffer.from('0123456789abcdef\u001b~', 'latin1'), false)).toEqual([
      'Key: 18 bytes, not plain UTF-8 text',
      '  00000000  30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66  0123456789abcdef',
      '  00000010  1b 7e                                            .~',
    ])
  })

  test('is cut unless all is wanted, and that is said', () => {
    const long = Buffer.alloc(SHORT_BYTES + 32, 0)
    expect(renderPayload('Value', long, false).at(-1)).toBe('  … 32 bytes more (--full shows all)')
    expect(renderPayload('Value', long, true)).toHaveLength(1 + long.length / 16)
    const text = renderPayload('Value', Buffer.from('x'.repeat(SHORT_BYTES + 1)), false)
    expect(text.at(-1)).toBe('  … (--full shows all)')
  })

  test('may be null or empty', () => {
    expect(renderPayload('Key', null, false)).toEqual(['Key: null'])
    expect(renderPayload('Key', Buffer.alloc(0), false)).toEqual(['Key: empty'])
  })
})

describe('a table', () => {
  const columns = [
    { heading: 'name', of: ({ name }: { name: string | null }) => name },
    { heading: 'n', of: ({ n }: { n: number }) => n },
  ]

  test('sets numbers to the right, with separators, and nothing as a dash', () => {
    expect(
      table(
        [
          { name: 'a', n: 20_000 },
          { name: null, n: 1 },
        ],
        columns,
      ),
    ).toEqual(['name       n', 'a     20,000', '-          1'])
  })

  test('is cut where the terminal ends', () => {
    expect(table([{ name: 'long text', n: 1 }], columns, 6)).toEqual(['name …', 'long …'])
  })
})

test.each([
  [850, '850 ms'],
  [4_200, '4.2 s'],
  [59_400, '59 s'],
  [200_000, '3 min 20 s'],
  [3_600_000, '1 h'],
  [100 * 3_600_000, '4 d 4 h'],
  [-5, '-5 ms'],
])('%i ms is %s', (ms, text) => expect(duration(ms)).toBe(text))

test('counts and offsets in words', () => {
  expect([count(1, 'batch', 'batches'), count(12_000, 'batch', 'batches')]).toEqual([
    '1 batch',
    '12,000 batches',
  ])
  expect([offsets(7, 8), offsets(7, 1_000)]).toEqual(['offset 7', 'offsets 7 to 999'])
})

describe('--since', () => {
  test('takes an age or a time', () => {
    expect(Math.abs(aMoment('2h').getTime() - (Date.now() - 7_200_000))).toBeLessThan(1_000)
    expect(aMoment('2026-03-01T12:00:00Z').toISOString()).toBe('2026-03-01T12:00:00.000Z')
    expect(aMoment('2026-03-01').toISOString()).toBe('2026-03-01T00:00:00.000Z')
  })
  test.each(['yesterday', '2w', '-1h', '5', '2026-13-01'])('refuses %s', (text) =>
    expect(() => aMoment(text)).toThrow(InvalidArgumentError),
  )
})

test('a connection that fails names the server, never a password', () => {
  const refused = Object.assign(new Error('connect ECONNREFUSED'), { syscall: 'connect' })
  const at = (DATABASE_URL: string) => explain(refused, { DATABASE_URL })
  expect(at('postgres://user:secret@db:5432/pulse')).toBe(
    'the warehouse at db:5432/pulse: connect ECONNREFUSED',
  )
  expect(at('postgres:user:secret@db')).toBe('the warehouse at DATABASE_URL: connect ECONNREFUSED')
  const kafka = Object.assign(new Error('no broker'), { name: 'KafkaJSConnectionError' })
  expect(explain(kafka, { KAFKA_BROKERS: ['a:1', 'b:2'] })).toBe('Kafka at a:1,b:2: no broker')
})

test("the statuses that runs filters by are the schema's", () => {
  const program = new Command()
  addRuns(program)
  const status = program.commands[0]?.options.find(({ long }) => long === '--status')
  expect(status?.argChoices).toEqual(RUN_STATUSES)
})
