import { KAFKA_MS, quoted, rfc3339 } from './message.ts'

/**
 * Of words: values of a field that somebody has tripped over, by what becomes of a message that has them there.
 */
export type FieldTraps = Partial<Record<Expected, readonly string[]>>
export type Expected = 'loaded' | 'malformed_json' | 'schema_violation' | 'timestamp_out_of_range'

const DAY_MICROS = 86_400_000_000n
const KAFKA_MICROS = BigInt(KAFKA_MS) * 1_000n
const after = (micros: bigint) => quoted(rfc3339(KAFKA_MICROS + micros))
/** JSON texts that stand in lines, or two blanks apart. */
export const list = (texts: string) => texts.trim().split(/ {2,}|\n\s*/)

const codePoints = (json: string) => Array.from(JSON.parse(json) as string).length

/** Of `text(length)`, an even number. */
export const ofText = (length: number): FieldTraps => {
  const good = [
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
  ].flat()
  // Those with room for a text are the same for each length.
  const fits = (json: string) => codePoints(json) > 0 && codePoints(json) <= length
  return {
    loaded: good.filter(fits),
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
      good.filter((json) => !fits(json)),
    ].flat(),
    malformed_json: [
      '"\t"',
      '"\n"',
      '"\0"',
      '"\u001f"',
      ...list(String.raw`"a  'a'  a  "\x41"  "\u12"  "\ud800`),
    ],
  }
}

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

const YEARS_BEFORE = ['"2024-02-29T23:59:59.999999Z"']

/** Of `instant()` where it is the event time, so many days before the record at most. */
export const ofEventTime = (mostDays: 30 | 1_095): FieldTraps => ({
  loaded: [
    after(0n),
    after(DAY_MICROS),
    after(-BigInt(mostDays) * DAY_MICROS),
    `"2026-01-15T11:00:00.${'9'.repeat(30)}Z"`,
    ...(mostDays === 1_095 ? YEARS_BEFORE : []),
    ...list(String.raw`"2025-12-31T23:30:00-01:00"  "2026-01-15T12\u003a00:00Z"
      "2026-01-15T23:59:59+23:59"  "2026-01-15T00:00:00-23:59"  "2026-01-15T12:00:00-00:00"`),
  ],
  timestamp_out_of_range: [
    after(DAY_MICROS + 1n),
    after(-BigInt(mostDays) * DAY_MICROS - 1n),
    ...(mostDays === 30 ? YEARS_BEFORE : []),
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
})

/** Of `uuid()`. */
export const OF_UUID: FieldTraps = {
  loaded: list(String.raw`"6ba7b810-9dad-11d1-80b4-00c04fd430c8"
      "0193f0a0-1c2d-7abc-9def-0123456789ab"
      "3f2b8c1e-9a4d-0e6b-ff10-2c5d7a9b1e34"
      "3F2B8C1E-9A4D-4E6B-8F10-2C5D7A9B1E35"
      "00000000-0000-0000-0000-000000000000"
      "ffffffff-ffff-ffff-ffff-ffffffffffff"
      "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF"
      "\u0033f2b8c1e-9a4d-4e6b-8f10-2c5d7a9b1e36"`),
  schema_violation: list(String.raw`"{3f2b8c1e-9a4d-4e6b-8f10-2c5d7a9b1e34}"
      "urn:uuid:3f2b8c1e-9a4d-4e6b-8f10-2c5d7a9b1e34"
      "3f2b8c1e9a4d4e6b8f102c5d7a9b1e34"
      "3f2b8c1e-9a4d-4e6b-8f10-2c5d7a9b1e3"
      "3f2b8c1e-9a4d-4e6b-8f10-2c5d7a9b1e345"
      "3f2b8c1e-9a4d-4e6b-8f10-2c5d7a9b1e34\n"
      " 3f2b8c1e-9a4d-4e6b-8f10-2c5d7a9b1e34"
      "3f2b8c1e-9a4d-4e6b-8f10-2c5d7a9b1e3\u0000"
      "3g2b8c1e-9a4d-4e6b-8f10-2c5d7a9b1e34"
      "3f2b8c1e-9a4d-4e6b-8f10-2c5d7a9b1e3４"
      "3f2b-8c1e-9a4d-4e6b-8f10-2c5d7a9b1e34"
      ["3f2b8c1e-9a4d-4e6b-8f10-2c5d7a9b1e34"]
      "order-1"  ""  12  null  true  {}`),
}

/** Of `currencyCode()`. */
export const OF_CURRENCY: FieldTraps = {
  loaded: list(String.raw`"EUR"  "JPY"  "CLF"  "XAU"  "XTS"  "XXX"  "XCG"  "BGN"  "\u0045UR"`),
  schema_violation:
    list(String.raw`"eur"  "Eur"  "EU"  "EURO"  "€"  "978"  978  "DEM"  "HRK"  "ZZZ"  "BTC"  ""
      " EUR"  "EUR "  "EUR\n"  "EUR\u0000"  "ЕUR"  "ＥＵＲ"  "constructor"  "__proto__"  null  ["EUR"]`),
}

/** Of `oneOf()`, two or more. */
export const ofWords = (...words: readonly string[]): FieldTraps => {
  const [first = ''] = words
  const code = first.charCodeAt(0).toString(16).padStart(4, '0')
  return {
    loaded: [...words.map(quoted), `"\\u${code}${first.slice(1)}"`],
    schema_violation: [
      ...['', ` ${first}`, `${first}\n`, `${first}\0`, `${first}s`, first.slice(0, -1)].map(quoted),
      ...[first.toUpperCase(), words.join(), '0', 'constructor', 'toString', '__proto__'].map(quoted),
      ...list('0  null  true  []  {}'),
      `[${quoted(first)}]`,
    ],
    malformed_json: [first, `'${first}'`, `"${first}`],
  }
}

/** Of `int()` of these bounds, 0 or 1 and more than 9. */
export const ofWhole = (min: 0 | 1, max: number): FieldTraps => ({
  loaded: [
    ...(min === 0 ? ['0', '-0', '0.0', '0e5'] : []),
    String(max),
    `${max}.0`,
    `${max}.0000000000000000000001`,
    ...list('1  1.0  1e0  1E0  1.0e+0  0.1e1  7  1.00000000000000000001'),
  ],
  schema_violation: [
    ...(max === Number.MAX_SAFE_INTEGER
      ? ['9007199254740992', '9007199254740993']
      : [`${max + 1}`, `${max}.5`]),
    ...(min === 1 ? ['0', '-0'] : []),
    ...list('-1  0.5  1e-1  1.5  1e400  -1e400  1e21  5e-324  "1"  ""  null  true  []  {}  [1]'),
  ],
  malformed_json: list('01  .5  1.  +5  NaN  Infinity  1_0  0x1  1n  １'),
})

/** Of `flag()` that may be missing, without the value that makes another record of it. */
export const ofFlag = (...loaded: readonly string[]): FieldTraps => ({
  loaded,
  schema_violation: list('null  0  1  "true"  "false"  ""  []  {}  [true]'),
  malformed_json: list('True  TRUE  tru  yes'),
})

/** Of `day()`. */
export const OF_DAY: FieldTraps = {
  loaded: list(String.raw`"2026-11-21"  "2024-02-29"  "2000-02-29"  "0001-01-01"  "9999-12-31"  "1582-10-10"
    "1969-12-31"  "2026\u002d01-31"`),
  schema_violation:
    list(String.raw`"2026-02-30"  "2025-02-29"  "1900-02-29"  "2026-04-31"  "2026-00-01"  "2026-13-01"  "2026-01-00"
    "2026-01-32"  "0000-01-01"  "0000-02-29"  "2026-1-1"  "20260101"  "01.02.2026"  "1/2/2026"  "2026-01-01T00:00:00Z"
    "2026-01-01Z"  "2026-01-01 BC"  "2026-01-01\n"  " 2026-01-01"  "2026-01-01\u0000"  "-2026-01-01"  "+002026-01-01"
    "10000-01-01"  "２０２６-01-01"  "infinity"  "-infinity"  "today"  "epoch"  ""  20260101  null  true  []  {}`),
  malformed_json: list(`2026-01-01  '2026-01-01'`),
}

/** Null, too, is taken. */
export const optional = ({
  loaded = [],
  schema_violation: refused = [],
  ...others
}: FieldTraps): FieldTraps => ({
  ...others,
  loaded: [...loaded, 'null'],
  schema_violation: refused.filter((json) => json !== 'null'),
})
