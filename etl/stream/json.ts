import { messageOf } from '../text/message-of.ts'
import { isUtf8 } from 'node:buffer'
import { excerpt, plain } from '../text/excerpt.ts'
import type { DeadLetterCode } from './types.ts'

/** A JSON object as parsed: not one field of it has been looked at. */
export type JsonObject = Readonly<Record<string, unknown>>

/** The bytes of a record as the object that they hold, or why they hold none. */
export type Decoded =
  | { readonly object: JsonObject }
  | { readonly code: DeadLetterCode; readonly problem: string }

/** A JSON number of more than 15 digits, as it was written: a double may be another. */
export class ExactNumber {
  readonly source: string
  constructor(source: string) {
    this.source = source
  }
}

/** As an issue shows it. */
export const excerptOf = (value: unknown): string =>
  value instanceof ExactNumber ? plain(value.source, 40) : excerpt(value)

/** Whether there may be a number of more than 15 digits in it. */
const LONG_NUMBER = /[\d.]{16}/

export const mayHoldLongNumbers = (value: Buffer | null): boolean =>
  value !== null && LONG_NUMBER.test(value.toString())

/**
 * The object again, with an `ExactNumber` for each number of more than 15 digits.
 *
 * @param value that decodeJson took.
 * @throws RangeError where it is nested too deeply.
 */
export function decodeExactly(value: Buffer | null): Decoded {
  const object = JSON.parse(value!.toString(), (_, parsed: unknown, context?: { readonly source?: string }) =>
    typeof parsed === 'number' && digitsOf(context?.source ?? '') > 15
      ? new ExactNumber(context!.source!)
      : parsed,
  ) as JsonObject
  return { object }
}

/** Significant ones: not those of an exponent. */
const digitsOf = (source: string): number => source.replace(/[eE].*/, '').replaceAll(/\D/g, '').length

/** Only what an object has itself: `constructor` and the like are no part of a message. */
export const valueAt = (message: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>(
    (value, part) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, part)
        ? (value as JsonObject)[part]
        : undefined,
    message,
  )

/** An object of JSON texts by their paths; those that are undefined are left out. */
export function writeNested(
  fields: readonly (readonly [path: readonly string[], text: string | undefined])[],
): string {
  const byFirst = Map.groupBy(fields, ([[first]]) => first!)
  const parts = [...byFirst].flatMap(([name, group]) => {
    const deeper = group
      .filter(([path]) => path.length > 1)
      .map(([path, text]) => [path.slice(1), text] as const)
    const text = deeper.length > 0 ? writeNested(deeper) : group[0]![1]
    return text === undefined ? [] : [`"${name}":${text}`]
  })
  return `{${parts.join()}}`
}

const PARSER_MESSAGE_LENGTH = 160

/**
 * What a value may have at most, in bytes: what Kafka's clients and topics take by default. A transaction needs
 * a thousandth of it. Parsed, hostile JSON takes tens of times as much memory as it has bytes.
 */
export const MAX_VALUE_BYTES = 1024 * 1024

/**
 * Reads a record's value: UTF-8 without BOM that holds one JSON object (RFC 8259), of bounded size.
 *
 * Bytes are checked before they become text, because decoding turns bad ones into U+FFFD without a
 * word. Of a field that occurs twice the last one counts, as `JSON.parse` has it. Never throws.
 */
export function decodeJson(value: Buffer | null): Decoded {
  if (value === null) {
    return { code: 'schema_violation', problem: 'value is null (a tombstone); it must be a JSON object' }
  }
  if (value.length > MAX_VALUE_BYTES) {
    const problem = `value has ${value.length} bytes; it must have at most ${MAX_VALUE_BYTES}`
    return { code: 'schema_violation', problem }
  }
  if (value.length === 0) return malformed('is empty')
  if (value[0] === 0xef && value[1] === 0xbb && value[2] === 0xbf) {
    return malformed('starts with a byte order mark')
  }
  if (!isUtf8(value)) return malformed('is not UTF-8')

  let parsed: unknown
  try {
    parsed = JSON.parse(value.toString())
  } catch (error) {
    // A SyntaxError, or a RangeError for what is too deep or too long to be one string.
    const reason = messageOf(error)
    return malformed(`is not JSON (${plain(reason, PARSER_MESSAGE_LENGTH)})`)
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    return { code: 'schema_violation', problem: `value is ${kindOf(parsed)}; it must be a JSON object` }
  }
  return { object: parsed as JsonObject }
}

function malformed(problem: string): Decoded {
  return {
    code: 'malformed_json',
    problem: `value ${problem}; it must be a JSON object in UTF-8 without BOM`,
  }
}

function kindOf(parsed: unknown): string {
  if (parsed === null) return 'the JSON null'
  return Array.isArray(parsed) ? 'an array' : `a ${typeof parsed}`
}
