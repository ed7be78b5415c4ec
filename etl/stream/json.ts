import { messageOf } from '../text/message-of.ts'
import { isUtf8 } from 'node:buffer'
import { plain } from '../text/excerpt.ts'
import type { DeadLetterCode } from './types.ts'

/** A JSON object as parsed: not one field of it has been looked at. */
export type JsonObject = Readonly<Record<string, unknown>>

/** The bytes of a record as the object that they hold, or why they hold none. */
export type Decoded =
  | { readonly object: JsonObject }
  | { readonly code: DeadLetterCode; readonly problem: string }

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
