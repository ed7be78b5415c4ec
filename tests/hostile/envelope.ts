import type { Random } from '../../producer/random.ts'
import type { RecordHeader } from '../../etl/kafka/record.ts'

/** Keys and headers that nobody should trip over: whatever they are, the value alone decides. */

const KEYS: readonly (Buffer | null)[] = [
  null,
  Buffer.alloc(0),
  Buffer.alloc(4), // an abort mark, were it a control record's
  Buffer.from([0, 0, 0, 1]),
  Buffer.from('\0'),
  Buffer.from('eda080ff', 'hex'),
  Buffer.from('<img src=x onerror=alert(1)>'),
  Buffer.alloc(10_000, 'k'),
]

export function aKey(random: Random): Buffer | null {
  return random.chance(0.9) ? Buffer.from(`customer-${random.between(1, 999)}`) : random.pick(KEYS)
}

const header = (key: string, value: string | Buffer | null): RecordHeader => ({
  key,
  value: typeof value === 'string' ? Buffer.from(value) : value,
})

const ODD_NAMES = [
  '__proto__',
  'constructor',
  'toString',
  'a\0b',
  'a\nb',
  '\u202e',
  '<img src=x onerror=alert(1)>',
]

/** Where a redrive names its dead letter: garbage, and rows that do not exist. */
const NO_ORIGINS = [
  '',
  'a\0b:0:1',
  "';--:0:1",
  't'.repeat(20_000),
  `${'t'.repeat(249)}:0:1`,
  `transactions:0:${'9'.repeat(400)}`,
  ...'x ::: transactions:0 transactions:0:-1 transactions:-1:0 transactions:0:1e3 __proto__:0:1'.split(' '),
  ...'transactions:0:9007199254740993 transactions:4294967296:0 transactions:0:007 elsewhere:0:1'.split(' '),
  ...'transactions:0:1:0 transactions:0:1:1 transactions:0:1:99'.split(' '),
]

const HEADERS: readonly (readonly RecordHeader[])[] = [
  [header('trace', '1'), header('trace', null), header('trace', '')],
  [header('', ''), header('', null)],
  ...ODD_NAMES.map((name) => [header(name, Buffer.from([0, 0xff, 0xed, 0xa0, 0x80]))]),
  [header('k'.repeat(10_000), 'long')],
  [header('big', Buffer.alloc(50_000, 0xa5))],
  Array.from({ length: 500 }, (_, i) => header(`h${i}`, String(i))),
  Array.from({ length: 500 }, () => header('', null)),
  // Spoofed: those that the product writes itself.
  [
    header('dlq.code', 'malformed_json'),
    header('dlq.stub', 'audit.dead_letters.id=1'),
    header('dlq.key', null),
  ],
  ...NO_ORIGINS.map((origin) => [header('redrive-of', origin)]),
  [header('redrive-of', Buffer.from('eda080ff00', 'hex')), header('redrive-of', 'transactions:0:1')],
  [header('redrive-of', null)],
]

export function someHeaders(random: Random): readonly RecordHeader[] {
  return random.chance(0.9) ? [] : random.pick(HEADERS)
}
