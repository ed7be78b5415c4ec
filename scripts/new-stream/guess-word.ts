import { CURRENCY_CODES } from '../../etl/stream/currency-codes.ts'
import type { Field, FieldOptions } from '../../etl/stream/field.ts'
import { parseRfc3339 } from '../../etl/stream/rfc3339.ts'
import {
  currencyCode,
  day,
  decimal,
  flag,
  instant,
  int,
  json,
  list,
  money,
  oneOf,
  text,
  uuid,
} from '../../etl/stream/words.ts'
import { thousands } from '../../etl/text/wording.ts'
import { isObject } from './paths.ts'
import { Inexact } from './sample.ts'

/** A word for the values of a place, as code and as it is written. */
export interface Word {
  readonly name: string
  /** What stands in front of the options, as source. */
  readonly first: readonly string[]
  /** Options of the word itself, as source. */
  readonly own: Readonly<Record<string, string>>
  make(this: void, options: FieldOptions): Field<unknown>
  /** Where it is a guess: why. */
  readonly guess?: string
}

const MONEY_NAME =
  /(amount|price|total|cost|fee|tax|gross|net|sum|revenue|balance|discount|payment|shipping)s?$/i
const TIME_NAME =
  /(^|_|\.)(at|time|ts|date|timestamp|created|updated|occurred|modified|when|on)$|(At|Time|Date|Timestamp|Ts|On)$/
const ID_NAME = /(^|[._])(id|key|no|nr|number|code|phone|sku)s?$|(Id|Key|No|Number|Code|Phone|Sku|SKU)$/
const OPEN_NAME = /country|city|region|zone|lang|locale|name|title|user|agent|page|path|product|categor/i
/** From 2000 to 2100, in each unit. */
const EPOCHS = [
  ['s', 1],
  ['ms', 1e3],
  ['us', 1e6],
] as const
const EPOCH_FROM = 946_684_800
const EPOCH_TO = 4_102_444_800

const LENGTHS = [50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000]
const BYTES = [1_024, 4_096, 16_384, 65_536, 262_144, 1_000_000]
/** A list of choices must be short, and each of them seen again and again. */
const MAX_CHOICES = 8
const MAX_CHOICES_LENGTH = 70
const SEEN_ON_AVERAGE = 10

/**
 * The word for these values: the first that takes each of them, from the narrowest on.
 *
 * @param path where they stand, as a name says much.
 * @param values neither null nor missing; at least one.
 * @returns undefined where none takes them.
 */
export function guessWord(path: string, values: readonly unknown[]): Word | undefined {
  if (values.some(isRounded)) return undefined
  return candidates(path, values).find((word) => refusedBy(word, values).length === 0)
}

/** Of values of one type those that the word refuses which takes all but a few of them: their positions. */
export function fewRefused(path: string, values: readonly unknown[], few: number): readonly number[] {
  // Numbers of two sizes are no mistake, whichever are the fewer.
  if (typeof values[0] === 'number') return []
  const refused = candidates(path, values).map((word) => refusedBy(word, values))
  return refused.find(({ length }) => length <= few) ?? []
}

function refusedBy(word: Word, values: readonly unknown[]): number[] {
  const { wire } = word.make({}).kind
  return values.flatMap((value, i) => (wire.safeParse(value).success ? [] : [i]))
}

/** Whether a whole number in it would not be stored as it was sent. */
export const isRounded = (value: unknown): boolean =>
  value instanceof Inexact ||
  (Array.isArray(value) && value.some(isRounded)) ||
  (isObject(value) && Object.values(value).some(isRounded))

function candidates(path: string, values: readonly unknown[]): Word[] {
  if (values.every((value) => typeof value === 'boolean')) return [word('flag', flag)]
  if (values.every((value) => typeof value === 'string')) return [...textual(path, values), ...jsons(values)]
  if (values.every((value) => typeof value === 'number')) return [...numeric(path, values), ...jsons(values)]
  if (values.every(Array.isArray)) return [...lists(values), ...jsons(values)]
  return jsons(values)
}

function textual(path: string, values: readonly string[]): Word[] {
  const words: Word[] = [word('uuid', uuid), word('instant', instant), word('day', day)]
  if (values.every((value) => CURRENCY_CODES.has(value)))
    words.push(
      word('currencyCode', currencyCode, /curr/i.test(path) ? {} : { guess: 'all are codes of currencies' }),
    )
  if (isDecimals(path, values)) words.push(decimalOf(values, 'texts that are numbers'))
  if (isChoice(path, values)) {
    const choices = [...new Set(values)].sort() as [string, ...string[]]
    words.push({
      ...word('oneOf', (options) => oneOf(choices, options), { guess: 'the sample has no others' }),
      first: [`[${choices.map(quoted).join(', ')}]`],
    })
  }
  const { length, guess } = roomFor(values)
  words.push({ ...word('text', (options) => text(length, options), { guess }), first: [source(length)] })
  return words
}

/** A length that longer ones than these fit in too. */
export function roomFor(values: readonly string[]): { readonly length: number; readonly guess: string } {
  const longest = Math.max(...values.map((value) => Array.from(value).length))
  const length = LENGTHS.find((one) => one >= longest * 2) ?? LENGTHS.at(-1)!
  return { length, guess: `the longest of the sample has ${thousands(longest)}` }
}

/** Numbers written as texts: with as many decimals each, or an amount by their name. Never those of an article or a phone. */
function isDecimals(path: string, values: readonly string[]): boolean {
  if (ID_NAME.test(path) || !values.every((value) => /^-?(0|[1-9]\d*)(\.\d+)?$/.test(value))) return false
  const scales = new Set(values.map((value) => value.split('.')[1]?.length ?? 0))
  return MONEY_NAME.test(path) || (scales.size === 1 && !scales.has(0) && values.length > 1)
}

/** Words, not paths, numbers or codes; and not those of which a sample never has them all. */
function isChoice(path: string, values: readonly string[]): boolean {
  const counts = new Map<string, number>()
  for (const value of values) {
    counts.set(value, (counts.get(value) ?? 0) + 1)
    if (counts.size > MAX_CHOICES) return false
  }
  return (
    !ID_NAME.test(path) &&
    !OPEN_NAME.test(path) &&
    counts.size > 1 &&
    values.length >= counts.size * SEEN_ON_AVERAGE &&
    [...counts].every(([value, count]) => /^\p{L}[\p{L} _-]{0,39}$/u.test(value) && count > 1) &&
    [...counts.keys()].map(quoted).join(', ').length <= MAX_CHOICES_LENGTH
  )
}

function numeric(path: string, values: readonly number[]): Word[] {
  const words: Word[] = []
  if (values.every(Number.isInteger)) {
    const epoch = EPOCHS.find(([, units]) =>
      values.every((value) => value >= EPOCH_FROM * units && value < EPOCH_TO * units),
    )?.[0]
    // A number of nine or ten digits may be anything; as milliseconds or less it is hardly anything else.
    if (epoch !== undefined && (TIME_NAME.test(path) || (epoch !== 's' && !ID_NAME.test(path))))
      words.push({
        ...word('instant', (options) => instant({ epoch, ...options }), { guess: `since 1970, by its size` }),
        own: { epoch: quoted(epoch) },
      })
    const guess = MONEY_NAME.test(path) ? { guess: 'money() if 12 means 12.00, not 0.12' } : {}
    words.push(word('int', int, guess))
    return words
  }
  if (MONEY_NAME.test(path)) words.push(word('money', money, { guess: 'an amount, by its name' }))
  words.push(decimalOf(values.map(String), 'room for larger ones'))
  return words
}

/** With room for ten thousand times as much, and for two more decimals than were seen. */
function decimalOf(values: readonly string[], guess: string): Word {
  const parts = values.map((value) => value.replace('-', '').split('.'))
  const decimals = Math.max(...parts.map(([, after = '']) => after.length))
  const whole = Math.max(...parts.map(([before = '']) => before.length))
  const scale = Math.min(decimals <= 2 ? 2 : decimals + 2, 40)
  const digits = Math.min(whole + 4 + scale, 100)
  return {
    ...word('decimal', (options) => decimal({ digits, scale, ...options }), { guess }),
    own: { digits: source(digits), scale: source(scale) },
  }
}

function lists(values: readonly (readonly unknown[])[]): Word[] {
  const items = values.flat()
  if (items.length === 0 || !items.every((item) => typeof item === 'string')) return []
  const { length, guess } = roomFor(items)
  return [
    {
      ...word('list', (options) => list(text(length), options), { guess }),
      first: [`text(${source(length)})`],
    },
  ]
}

function jsons(values: readonly unknown[]): Word[] {
  const largest = Math.max(...values.map((value) => Buffer.byteLength(JSON.stringify(value))))
  const maxBytes = BYTES.find((one) => one >= largest * 2) ?? BYTES.at(-1)!
  const isRows = values.every((value) => Array.isArray(value) && value.every(isObject))
  const kinds = new Set(values.map((value) => (Array.isArray(value) ? 'list' : typeof value)))
  const guess = isRows
    ? 'a list of objects, whole'
    : kinds.size > 1
      ? `of several kinds: ${[...kinds].join(', ')}`
      : kinds.has('string')
        ? 'some are empty, too long, or nothing that text takes'
        : kinds.has('number')
          ? 'more digits than decimal takes'
          : 'whole'
  return [
    {
      ...word('json', (options) => json({ maxBytes, ...options }), { guess }),
      own: { maxBytes: source(maxBytes) },
    },
  ]
}

const word = (
  name: string,
  make: (options: FieldOptions) => Field<unknown>,
  more: { readonly guess?: string } = {},
): Word => ({ name, first: [], own: {}, make, ...more })

/** As the formatter writes it. */
export const quoted = (value: string): string => {
  const escaped = JSON.stringify(value)
    .slice(1, -1)
    .replaceAll(String.raw`\"`, '"')
  return value.includes("'") && !value.includes('"')
    ? `"${escaped}"`
    : `'${escaped.replaceAll("'", String.raw`\'`)}'`
}
const source = (n: number): string => String(n).replaceAll(/\B(?=(\d{3})+$)/g, '_')
export const zonelessTime = (value: unknown): boolean =>
  typeof value === 'string' &&
  parseRfc3339(value) === undefined &&
  (parseRfc3339(`${value.replace(' ', 'T')}Z`) !== undefined ||
    parseRfc3339(value.replace(' ', 'T')) !== undefined)
