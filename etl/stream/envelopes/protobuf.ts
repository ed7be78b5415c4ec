import protobuf from 'protobufjs'
import type { JsonObject } from '../json.ts'
import type { Reader, SchemaImport } from './schemas.ts'
import { readMessageIndexes } from './wire-format.ts'

/**
 * Reads values by the schema that they were written with, into plain values as words take them, under the names that
 * the schema has:
 *
 * - a field without presence that is not written: its default, as Protobuf has it (0, "", false, the first of an enum)
 * - one with presence (`optional`, a message) that is not written: missing
 * - 64-bit numbers: a number, or a bigint where they have more digits than a number keeps
 * - an enum: its name, or the number where it has none; bytes: base64
 * - `google.protobuf.Timestamp`: RFC 3339; the wrappers, such as `StringValue`: what they wrap
 *
 * @throws Error where the text is no Protobuf schema.
 */
export function protobufReader(text: string, imports: readonly SchemaImport[]): Reader {
  const root = new protobuf.Root()
  for (const name of WELL_KNOWN) root.addJSON(protobuf.common.get(name)!.nested!)
  for (const one of imports) protobuf.parse(one.text, root, PARSE)
  protobuf.parse(text, root, PARSE)
  root.resolveAll()
  // By itself, as only its own messages count where a value says which of them it is.
  const alone = new protobuf.Root()
  const { package: of } = protobuf.parse(text, alone, PARSE)
  const file = of === undefined ? alone : alone.lookup(of)
  const types = new Map<string, protobuf.Type>()
  const typeAt = (indexes: readonly number[]): protobuf.Type => {
    const name = indexes.join('.')
    let type = types.get(name)
    if (type === undefined) types.set(name, (type = root.lookupType(nameAt(file, indexes))))
    return type
  }
  typeAt([0]) // a file without a message can't be used
  return (bytes) => {
    const { indexes, body } = readMessageIndexes(bytes)
    const type = typeAt(indexes)
    return plainOf(type, type.decode(body)) as JsonObject
  }
}

const PARSE = { keepCase: true }
const WELL_KNOWN = ['google/protobuf/timestamp.proto', 'google/protobuf/wrappers.proto'].concat([
  'google/protobuf/duration.proto',
  'google/protobuf/empty.proto',
  'google/protobuf/struct.proto',
  'google/protobuf/any.proto',
])

function nameAt(file: protobuf.ReflectionObject | null, indexes: readonly number[]): string {
  let found = file
  for (const index of indexes) {
    const messages =
      found instanceof protobuf.Namespace
        ? found.nestedArray.filter((one): one is protobuf.Type => one instanceof protobuf.Type)
        : []
    found = messages[index] ?? null
    if (found === null) throw new RangeError(`its schema has no message ${indexes.join('.')}`)
  }
  return found!.fullName
}

type Values = Readonly<Record<string, unknown>>

function plainOf(type: protobuf.Type, message: unknown): unknown {
  const values = message as Values
  if (type.fullName === '.google.protobuf.Timestamp') return timestamp(values)
  if (WRAPPER.test(type.fullName)) return oneOf(type.fields['value']!, values['value'])
  const plain: Record<string, unknown> = {}
  for (const field of type.fieldsArray) {
    const value = Object.hasOwn(values, field.name) ? values[field.name] : undefined
    const there = valueOf(field, value)
    if (there !== undefined) plain[field.name] = there
  }
  return plain
}

const WRAPPER = /^\.google\.protobuf\.(Double|Float|U?Int64|U?Int32|Bool|String|Bytes)Value$/

function valueOf(field: protobuf.Field, value: unknown): unknown {
  if (field instanceof protobuf.MapField) {
    const entries = Object.entries((value ?? {}) as Values)
    return Object.fromEntries(entries.map(([key, one]) => [key, oneOf(field, one)]))
  }
  if (field.repeated) return ((value ?? []) as unknown[]).map((one) => oneOf(field, one))
  return value === undefined || value === null ? defaultOf(field) : oneOf(field, value)
}

/** Missing where the schema can say that it is, and so is a message. */
function defaultOf(field: protobuf.Field): unknown {
  if (field.partOf !== null || field.hasPresence || field.resolvedType instanceof protobuf.Type)
    return undefined
  return oneOf(field, field.typeDefault)
}

function oneOf(field: protobuf.Field, value: unknown): unknown {
  const { resolvedType } = field
  if (resolvedType instanceof protobuf.Type) return plainOf(resolvedType, value)
  if (resolvedType instanceof protobuf.Enum) return resolvedType.valuesById[value as number] ?? value
  if (isLong(value)) {
    const number = value.toNumber()
    return Number.isSafeInteger(number) ? number : BigInt(value.toString())
  }
  if (field.type === 'bytes') return Buffer.from((value ?? []) as Uint8Array).toString('base64')
  return value ?? field.typeDefault
}

interface Long {
  toNumber(): number
  toString(): string
}
const isLong = (value: unknown): value is Long =>
  typeof value === 'object' && value !== null && 'low' in value && 'toNumber' in value

function timestamp(values: Values): string | undefined {
  const seconds = Number(values['seconds'] ?? 0)
  const nanos = Number(values['nanos'] ?? 0)
  const date = new Date(seconds * 1_000)
  if (Number.isNaN(date.getTime()) || nanos < 0 || nanos > 999_999_999) return 'no time'
  return date.toISOString().replace('.000Z', `.${String(nanos).padStart(9, '0')}Z`)
}
