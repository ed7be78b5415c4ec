import type { Expected, FieldTraps } from './field-traps.ts'
import { KAFKA_MS, quoted, text, type Fields } from './message.ts'

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

const deep = (levels: number, open: string, close: string, inner = '') =>
  open.repeat(levels) + inner + close.repeat(levels)

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
