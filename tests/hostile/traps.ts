import { KAFKA_MS, quoted, rfc3339, text, type Fields } from './message.ts'

/**
 * Values that somebody, somewhere, has tripped over: each with what it must become, written down by hand.
 * `loaded` means that the contract is kept; a second one of the same identity is then a duplicate.
 */
export interface Trap {
  readonly name: string
  readonly expected: Expected
  /** @param fields of a valid message. */
  readonly value: (fields: Fields) => Buffer | null
  /** The record's time in Kafka where it is not KAFKA_MS, milliseconds. */
  readonly kafkaMs?: number
}

export type Expected = 'loaded' | 'malformed_json' | 'schema_violation' | 'timestamp_out_of_range'

const DAY_MICROS = 86_400_000_000n
const KAFKA_MICROS = BigInt(KAFKA_MS) * 1_000n
const after = (micros: bigint) => quoted(rfc3339(KAFKA_MICROS + micros))
const deep = (levels: number, open: string, close: string, inner = '') =>
  open.repeat(levels) + inner + close.repeat(levels)

/** JSON texts that stand in lines, or two blanks apart. */
export const list = (texts: string) => texts.trim().split(/ {2,}|\n\s*/)

/** JSON texts of one field, by what becomes of a message that has them there. */
export type FieldTraps = Partial<Record<Expected, readonly string[]>>

/** Of `text(length)`, an even number from 40 on. */
export const ofText = (length: number): FieldTraps => ({
  loaded: [
    [
      'a',
      ' ',
      'a'.repeat(length),
      '😀'.repeat(length),
      '\u{10FFFF}'.repeat(length),
      'e\u0301'.repeat(length / 2),
    ].map(quoted),
    [
      '👨‍👩‍👧‍👦'.repeat(Math.floor(length / 7)),
      '\u202Eevil',
      '\uFFFD',
      '\uFFFE\uFFFF',
      '\u2028',
      '\u007F',
      '\u001B[31m',
    ].map(quoted),
    ['"}{,\\', '\\N', '\\x00', '\n\r\t', "'; drop table warehouse.transactions; --"].map(quoted),
    list(
      '"متجر"  "<img src=x onerror=alert(1)>"  "{a,b}"  "NULL"  "null"  "$1"  "%s%n"  "=1+1"  "../../etc"',
    ),
    list(String.raw`"\ud83d\ude00"  "\u0041\/"  "\u0001"`),
  ].flat(),
  schema_violation: [
    [
      '',
      'a'.repeat(length + 1),
      '😀'.repeat(length + 1),
      'e\u0301'.repeat(length / 2 + 1),
      `${'a'.repeat(length)}\u0301`,
    ].map(quoted),
    ['a\0b', '\0', 'a'.repeat(100_000), '😀'.repeat(20_000)].map(quoted),
    list(String.raw`"\ud800"  "\udfff"  "a\udc00b"  "\udc00\ud800"  "\ud800\ud800\udc00"  "\uD83D"`),
    list('7  null  true  []  ["a"]  {}  {"toString":"a"}'),
  ].flat(),
  malformed_json: [
    '"\t"',
    '"\n"',
    '"\0"',
    '"\u001f"',
    ...list(String.raw`"a  'a'  a  "\x41"  "\u12"  "\ud800`),
  ],
})

/** Of `money()`. */
export const OF_MONEY: FieldTraps = {
  loaded: [
    `100.${'0'.repeat(1_000)}`,
    ...list(`0.01  1e-2  1e0  1e2  1E+2  100.00  0.29  1.15  1000.01  9999999999.99  9999999999  0.1e1
      100.00000000000000001  0.0000000000000000000000000000000000001e38  4503599627.37`),
  ],
  schema_violation: [
    `1${'0'.repeat(1_000)}`,
    `0.${'0'.repeat(1_000)}1`,
    ...list(`0  -0  0.0  0e5  -5  -0.001  0.001  1.005  100.001  0.30000000000000004  5e-324  1e-400
      9999999999.994  9999999999.999  1e10  12345678901.10  1e308  1e400  -1e400
      "12.50"  "1e2"  ""  null  true  false  [12.5]  []  {}  {"valueOf":1}`),
  ],
  malformed_json: list('012  .5  5.  +5  0x10  NaN  Infinity  -  1e  1_000  1,5  12.50€  １２'),
}

/** Of `instant()` where it is the event time. */
export const OF_EVENT_TIME: FieldTraps = {
  loaded: [
    after(0n),
    after(DAY_MICROS),
    after(-1_095n * DAY_MICROS),
    `"2026-01-15T11:00:00.${'9'.repeat(30)}Z"`,
    ...list(String.raw`"2024-02-29T23:59:59.999999Z"  "2025-12-31T23:30:00-01:00"  "2026-01-15T12\u003a00:00Z"
      "2026-01-15T23:59:59+23:59"  "2026-01-15T00:00:00-23:59"  "2026-01-15T12:00:00-00:00"`),
  ],
  timestamp_out_of_range: [
    after(DAY_MICROS + 1n),
    after(-1_095n * DAY_MICROS - 1n),
    ...list(`"0000-01-01T00:00:00Z"  "0000-02-29T00:00:00Z"  "0000-01-01T00:00:00+23:59"  "0001-01-01T00:00:00Z"
      "1684-01-01T00:00:00Z"  "1969-12-31T23:59:59.999999Z"  "1970-01-01T00:00:00Z"  "2000-02-29T00:00:00Z"
      "2262-04-12T00:00:00Z"  "9999-12-31T23:59:59.999999Z"  "9999-12-31T23:59:59-23:59"`),
  ],
  schema_violation: [
    `"2026-01-15T10:00:00.${'1'.repeat(31)}Z"`,
    ...list(String.raw`"2026-02-30T10:00:00Z"  "2025-02-29T10:00:00Z"  "2100-02-29T10:00:00Z"  "2025-04-31T10:00:00Z"
      "2026-01-15T10:00:60Z"  "2025-12-31T23:59:60Z"  "2026-01-15T24:00:00Z"  "2026-01-15T10:60:00Z"
      "2026-01-15T10:00:00z"  "2026-01-15t10:00:00Z"  "2026-01-15 10:00:00Z"  "2026-01-15T10:00:00"
      "2026-01-15"  "2026-01-15T10:00Z"  "20260115T100000Z"  "2026-1-15T10:00:00Z"  "1/2/2026"
      "2026-01-15T10:00:00+24:00"  "2026-01-15T10:00:00+02:60"  "2026-01-15T10:00:00+2:00"
      "2026-01-15T10:00:00+0200"  "2026-01-15T10:00:00 UTC"  "2026-01-15T10:00:00.Z"  "2026-01-15T10:00:00,5Z"
      "2026-01-15T10:00:00Z\n"  " 2026-01-15T10:00:00Z"  "2026-01-15T10:00:00\u0000Z"
      "２０２６-01-15T10:00:00Z"  "2026-01-15T10:00:00−02:00"  "0000-00-00T00:00:00Z"
      "+002026-01-15T10:00:00Z"  "-000001-01-01T00:00:00Z"  "10000-01-01T00:00:00Z"
      "2026-00-15T10:00:00Z"  "2026-13-15T10:00:00Z"  "2026-01-00T10:00:00Z"  "2026-01-32T10:00:00Z"
      "infinity"  "-infinity"  "now"  "today"  "epoch"  "allballs"  "Jan 15 2026"  "1768478400"
      1768478400  1768478400000  ""  null  true  []  {}`),
  ],
}

/** Bytes that are no UTF-8, each inside a string of a message that would be good without them. */
const NO_UTF8: Readonly<Record<string, string>> = {
  'a high surrogate, raw': 'eda080',
  'a low surrogate, raw': 'edbfbf',
  'CESU-8, a pair of raw surrogates': 'eda0bdedb880',
  'NUL, overlong in two bytes': 'c080',
  'a slash, overlong in two bytes': 'c0af',
  'a slash, overlong in three bytes': 'e080af',
  'a slash, overlong in four bytes': 'f08080af',
  'past U+10FFFF': 'f4908080',
  'five bytes': 'f888808080',
  'a continuation alone': '80',
  'a cut character': 'e282',
  'FE FF': 'feff',
  'Latin-1': 'e9',
}

/** Of a stream's fields those that traps of the whole value are about; both must be there. */
export interface About {
  readonly field: string
  /** JSON texts that the field takes and refuses. */
  readonly good: string
  readonly bad: string
  /** A text of at most 1,000 characters. */
  readonly text: string
}

/** Whole values. */
const wholeValues = ({
  field,
  good,
  bad,
  text: textField,
}: About): readonly (readonly [string, Expected, (fields: Fields) => Buffer | string | null])[] => [
  ['as it should be', 'loaded', text],
  ['white space around', 'loaded', (fields) => ` \r\n\t${text(fields)}\n`],
  ['escapes in a name', 'loaded', (fields) => text(fields).replace(quoted(field), escaped(field))],
  [
    'the last of a name that is there twice is right',
    'loaded',
    (fields) => twice(fields, field, bad, 'first'),
  ],
  [
    'the last of a name that is there twice is wrong',
    'schema_violation',
    (fields) => twice(fields, field, bad, 'last'),
  ],
  [
    'one name 10,000 times',
    'loaded',
    (fields) =>
      text([...Array.from({ length: 10_000 }, () => [field, good] as const), ...Object.entries(fields)]),
  ],
  ...['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'then', '', '\0', '\u2028'].map(
    (name) =>
      [
        `an unknown field ${quoted(name)}`,
        'loaded',
        (fields: Fields) => text([[name, `{${quoted(field)}:-1}`], ...Object.entries(fields)]),
      ] as const,
  ),
  ['all fields inside __proto__', 'schema_violation', (fields) => text([['__proto__', text(fields)]])],
  [
    'one field inside __proto__',
    'schema_violation',
    (fields) =>
      text([
        ['__proto__', text({ [field]: good })],
        ...Object.entries(fields).filter(([name]) => name !== field),
      ]),
  ],
  [
    'names in upper case',
    'schema_violation',
    (fields) => text(Object.entries(fields).map(([name, value]) => [name.toUpperCase(), value])),
  ],
  [
    'an unknown field of a lone surrogate',
    'loaded',
    (fields) => text([['x', '"\\ud800"'], ...Object.entries(fields)]),
  ],
  [
    '1,000 unknown fields',
    'loaded',
    (fields) =>
      text([
        ...Array.from({ length: 1_000 }, (_, i) => [`x${i}`, '1e400'] as const),
        ...Object.entries(fields),
      ]),
  ],
  ['a null value', 'schema_violation', () => null],
  ['an empty value', 'malformed_json', () => ''],
  ...['null', 'true', '42', '-0', '1e400', '"text"', '[]', '{}', '{"":{}}'].map(
    (value) => [`the JSON ${value}`, 'schema_violation', () => value] as const,
  ),
  ['the object in an array', 'schema_violation', (fields) => `[${text(fields)}]`],
  ['the object in a string', 'schema_violation', (fields) => quoted(text(fields))],
  ...[
    ' ',
    '{',
    '}',
    '"',
    'hello',
    '{"a":1,}',
    "{'a':1}",
    '{a:1}',
    '{"a"}',
    '{"a":}',
    '{"a":undefined}',
    '\0',
    'nul',
    'NULL',
    'True',
  ].map((value) => [`the text ${quoted(value)}`, 'malformed_json', () => value] as const),
  ['two objects', 'malformed_json', (fields) => text(fields) + text(fields)],
  ['two lines', 'malformed_json', (fields) => `${text(fields)}\n${text(fields)}`],
  ['a comment', 'malformed_json', (fields) => `/* */${text(fields)}`],
  ['NUL behind it', 'malformed_json', (fields) => `${text(fields)}\0`],
  ['no-break space before it', 'malformed_json', (fields) => `\u00a0${text(fields)}`],
  ['a byte order mark', 'malformed_json', (fields) => `\ufeff${text(fields)}`],
  ['a byte order mark alone', 'malformed_json', () => '\ufeff'],
  ['UTF-16', 'malformed_json', (fields) => Buffer.from(`\ufeff${text(fields)}`, 'utf16le')],
  ['UTF-16 without a mark', 'malformed_json', (fields) => Buffer.from(text(fields), 'utf16le')],
  [
    'gzip inside the value',
    'malformed_json',
    () => Buffer.from('1f8b080000000000000303000000000000000000', 'hex'),
  ],
  [
    'Confluent’s schema number before it',
    'malformed_json',
    (fields) => Buffer.concat([Buffer.alloc(5), Buffer.from(text(fields))]),
  ],
  ['arrays 200,000 deep, closed', 'schema_violation', () => deep(200_000, '[', ']')],
  ['arrays 200,000 deep, open', 'malformed_json', () => '['.repeat(200_000)],
  ['objects 100,000 deep, open', 'malformed_json', () => '{"a":'.repeat(100_000)],
  [
    'arrays 200,000 deep in an unknown field',
    'loaded',
    (fields) => text([['x', deep(200_000, '[', ']')], ...Object.entries(fields)]),
  ],
  [
    'objects 100,000 deep in an unknown field',
    'loaded',
    (fields) => text([['x', deep(100_000, '{"a":', '}', '1')], ...Object.entries(fields)]),
  ],
  [
    'arrays 200,000 deep in a field',
    'schema_violation',
    (fields) => text({ ...fields, [field]: deep(200_000, '[', ']') }),
  ],
  [
    '350,000 empty arrays',
    'loaded',
    (fields) => text([['x', `[${'[],'.repeat(349_000)}1]`], ...Object.entries(fields)]),
  ],
  [
    'a number of 500,000 digits',
    'schema_violation',
    (fields) => text({ ...fields, [field]: '9'.repeat(500_000) }),
  ],
  [
    'a text of 1,000,000 characters',
    'schema_violation',
    (fields) => text({ ...fields, [textField]: quoted('a'.repeat(1_000_000)) }),
  ],
  ['as many bytes as may be', 'loaded', (fields) => padded(fields, 1_048_576)],
  ['one byte more than may be', 'schema_violation', (fields) => padded(fields, 1_048_577)],
]

/** Times that a producer may set where the topic lets it. */
const TIMES: readonly (readonly [string, Expected, number])[] = [
  ['none (−1)', 'timestamp_out_of_range', -1],
  ['1970', 'timestamp_out_of_range', 0],
  ['before 1970', 'timestamp_out_of_range', -86_400_000],
  ['three years and a day before', 'timestamp_out_of_range', KAFKA_MS - 1_096 * 86_400_000],
]

/**
 * @param fields traps of each field, by its name.
 * @param missing what becomes of a message without a field that may be missing; without others it is refused.
 */
export const trapsOf = (
  fields: Readonly<Record<string, FieldTraps>>,
  about: About,
  missing: Readonly<Record<string, Expected>> = {},
): readonly Trap[] => [
  ...Object.entries(fields).flatMap(([field, byExpected]) =>
    Object.entries(byExpected).flatMap(([expected, jsons]) =>
      jsons.map((json): Trap => ({
        name: `${field} ${shortened(json)}`,
        expected: expected as Expected,
        value: (valid) => Buffer.from(text({ ...valid, [field]: json })),
      })),
    ),
  ),
  ...Object.keys(fields).map((field): Trap => ({
    name: `${field} is missing`,
    expected: missing[field] ?? 'schema_violation',
    value: (valid) => Buffer.from(text(Object.entries(valid).filter(([name]) => name !== field))),
  })),
  ...Object.entries(NO_UTF8).map(([name, hex]): Trap => ({
    name: `no UTF-8: ${name}`,
    expected: 'malformed_json',
    value: (valid) => withBytes(text({ ...valid, [about.text]: '"<here>"' }), hex),
  })),
  ...wholeValues(about).map(([name, expected, value]): Trap => ({
    name,
    expected,
    value: (valid) => toBytes(value(valid)),
  })),
  ...TIMES.map(([name, expected, kafkaMs]): Trap => ({
    name: `Kafka’s time is ${name}`,
    expected,
    value: (valid) => Buffer.from(text(valid)),
    kafkaMs,
  })),
]

/** A name with its first letter as an escape. */
const escaped = (name: string) => `"\\u${name.charCodeAt(0).toString(16).padStart(4, '0')}${name.slice(1)}"`

function twice(fields: Fields, name: string, other: string, place: 'first' | 'last'): string {
  const entries = Object.entries(fields)
  return text(place === 'first' ? [[name, other], ...entries] : [...entries, [name, other]])
}

function padded(fields: Fields, bytes: number): string {
  const rest = Buffer.byteLength(text({ ...fields, x: '""' }))
  return text({ ...fields, x: quoted('x'.repeat(bytes - rest)) })
}

function withBytes(message: string, hex: string): Buffer {
  const [before = '', behind = ''] = message.split('<here>')
  return Buffer.concat([Buffer.from(before), Buffer.from(hex, 'hex'), Buffer.from(behind)])
}

const toBytes = (value: Buffer | string | null) => (typeof value === 'string' ? Buffer.from(value) : value)

function shortened(json: string): string {
  return json.length > 70 ? `${json.slice(0, 40)}… (${json.length})` : json
}
