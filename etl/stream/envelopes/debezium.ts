import { excerpt } from '../../text/excerpt.ts'
import type { Decoded, JsonObject } from '../json.ts'
import type { Beside, DebeziumOptions, NotUnwrapped, Unwrap, Unwrapped } from './envelope.ts'

/** Postgres' log doesn't repeat a large value that an update left alone; Debezium writes this in its place. */
const PLACEHOLDER = '__debezium_unavailable_value'

type Op = 'c' | 'u' | 'r' | 'd' | 't' | 'm'

/**
 * Debezium's change events, as JSON with or without `schema` and `payload`, or decoded otherwise.
 *
 * - c, u, r (snapshot): the row is `after`
 * - d: a deletion. What is known is `before`, and the key where that holds less
 * - t: the table was emptied, and which rows that means isn't said: it stops
 * - m, heartbeats, transaction metadata, and the tombstone that follows a d: skipped
 *
 * @param paths where in the row the stream's fields stand: a placeholder elsewhere harms nobody.
 */
export function unwrapDebezium(
  decode: (value: Buffer) => Decoded,
  decodeKey: (key: Buffer) => Decoded,
  paths: readonly (readonly string[])[],
  { version = 'source.lsn', placeholder = PLACEHOLDER }: DebeziumOptions = {},
): Unwrap {
  const versionPath = version.split('.')
  const isPlaceholder = placeholderOf(placeholder)

  const beside = (payload: JsonObject): Beside => {
    const name = at(payload, ['source', 'name'])
    return {
      version: versionOf(at(payload, versionPath)),
      parts: payload,
      writer: typeof name === 'string' ? name : undefined,
    }
  }
  const row = (payload: JsonObject, op: Op): Unwrapped => {
    const { after } = payload
    if (!isObject(after)) return wrong('after', `is ${excerpt(after)}; it must be the row, as op is ${op}`)
    const missing = paths.find((path) => path.some((_, i) => isPlaceholder(at(after, path.slice(0, i + 1)))))
    if (missing === undefined) return { row: after, ...beside(payload) }
    const field = missing.join('.')
    return {
      code: 'incomplete_row',
      field,
      problem: `${field} is ${placeholder}: Postgres did not write the value, which the update left alone; all values are written where the table has REPLICA IDENTITY FULL`,
    }
  }
  const deletion = (payload: JsonObject, key: Buffer | null): Unwrapped => {
    const decoded = key === null ? undefined : decodeKey(key)
    const keyed = decoded !== undefined && 'object' in decoded ? payloadOf(decoded.object) : undefined
    const { before } = payload
    return {
      deletion: { ...(isObject(keyed) ? keyed : {}), ...(isObject(before) ? before : {}) },
      ...beside(payload),
    }
  }

  return ({ value, key }) => {
    if (value === null) return { skip: 'a tombstone' }
    const decoded = decode(value)
    if ('code' in decoded) return decoded
    const payload = payloadOf(decoded.object)
    if (payload === null) return { skip: 'a tombstone' }
    if (!isObject(payload)) return wrong('payload', `is ${excerpt(payload)}; it must be an object`)
    const { op } = payload
    switch (op as Op) {
      case 'c':
      case 'u':
      case 'r':
        return row(payload, op as Op)
      case 'd':
        return deletion(payload, key)
      case 'm':
        return { skip: 'a message of the log (op m)' }
      case 't':
        return { stop: 'truncated', reason: `the table ${tableOf(payload)} was emptied at its source (op t)` }
      default:
        if (isHeartbeat(payload)) return { skip: 'a heartbeat' }
        if (isTransaction(payload)) return { skip: 'transaction metadata' }
        return wrong('op', `is ${excerpt(op)}; it must be one of c, u, r, d, t, m, as Debezium writes it`)
    }
  }
}

const wrong = (field: string, problem: string): NotUnwrapped => ({
  code: 'schema_violation',
  field,
  problem: `${field} ${problem}`,
})

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** With `schemas.enable`, what is meant stands beside its own schema. */
const payloadOf = (object: JsonObject): unknown =>
  Object.hasOwn(object, 'schema') && Object.hasOwn(object, 'payload') ? object['payload'] : object

const at = (object: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>(
    (value, part) => (isObject(value) && Object.hasOwn(value, part) ? value[part] : undefined),
    object,
  )

/** Whole numbers, also as text: some databases' positions have more digits than JSON's numbers keep. */
function versionOf(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : undefined
  return typeof value === 'string' && /^\d{1,38}$/.test(value) ? BigInt(value) : undefined
}

/** Columns of bytes have it as the connector's `binary.handling.mode` says, arrays as their only element. */
function placeholderOf(text: string): (value: unknown) => boolean {
  const bytes = Buffer.from(text)
  const forms = new Set([text, ...(['base64', 'base64url', 'hex'] as const).map((as) => bytes.toString(as))])
  return function is(value: unknown): boolean {
    if (typeof value === 'string') return forms.has(value)
    return Array.isArray(value) && value.length === 1 && is(value[0])
  }
}

const isHeartbeat = (payload: JsonObject): boolean => {
  const keys = Object.keys(payload)
  return keys.length === 1 && keys[0] === 'ts_ms'
}

const isTransaction = ({ status, id }: JsonObject): boolean =>
  (status === 'BEGIN' || status === 'END') && typeof id === 'string'

function tableOf(payload: JsonObject): string {
  const parts = ['db', 'schema', 'table'].map((part) => at(payload, ['source', part]))
  const named = parts.filter((part) => typeof part === 'string' && part !== '')
  return named.length === 0 ? 'that the records tell of' : named.join('.').slice(0, 200)
}
