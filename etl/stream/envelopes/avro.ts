import { isUtf8 } from 'node:buffer'
import { MAX_VALUE_BYTES, type JsonObject } from '../json.ts'
import { AvroBytes } from './avro-bytes.ts'
import { decimalText } from './decimal-text.ts'
import type { Reader, SchemaImport } from './schemas.ts'

type Read = (bytes: AvroBytes) => unknown
/** The types that have a name, by it. */
type Names = Map<string, Read>
type Schema = Readonly<Record<string, unknown>>

/**
 * Reads values by the schema that they were written with, into plain values as words take them:
 *
 * - `decimal` (bytes or fixed): its digits as text, `"12.50"`
 * - `date`, `time-…`, `timestamp-…`: the number that is written, for `day({ epoch })` and `instant({ epoch })`
 * - `long`: a number, or a bigint where it has more digits than a number keeps
 * - an enum: its symbol; a union: the value of its branch; other bytes: base64
 *
 * A reader of ours: what avsc reads it doesn't hold against the end of the bytes before it is done, so that a few bytes of
 * garbage took all of the memory (tried). The tests hold this one against avsc.
 *
 * @throws Error where the text is no schema of a record.
 */
export function avroReader(text: string, imports: readonly SchemaImport[]): Reader {
  const names: Names = new Map()
  for (const one of imports) compile(JSON.parse(one.text), names, '')
  const schema: unknown = JSON.parse(text)
  if ((schema as Schema | null)?.['type'] !== 'record') throw new Error('it is not the schema of a record')
  const read = compile(schema, names, '')
  return (body) => {
    const bytes = new AvroBytes(body)
    const object = read(bytes) as JsonObject
    bytes.end()
    return object
  }
}

const PRIMITIVES: Readonly<Record<string, Read>> = {
  null: () => null,
  boolean: (bytes) => bytes.boolean(),
  int: (bytes) => bytes.long(),
  long: (bytes) => bytes.long(),
  float: (bytes) => bytes.take(4).readFloatLE(),
  double: (bytes) => bytes.take(8).readDoubleLE(),
  bytes: (bytes) => bytes.sized().toString('base64'),
  string: readString,
}

function readString(bytes: AvroBytes): string {
  const text = bytes.sized()
  if (!isUtf8(text)) throw new Error('a string is not UTF-8')
  return text.toString()
}

function compile(schema: unknown, names: Names, namespace: string): Read {
  if (typeof schema === 'string') return named(schema, names, namespace)
  if (Array.isArray(schema)) return union(schema, names, namespace)
  if (typeof schema !== 'object' || schema === null) throw new Error('a type is neither a name nor an object')
  const { type, logicalType } = schema as Schema
  switch (type) {
    case 'record':
      return record(schema as Schema, names, namespace)
    case 'enum':
      return enumeration(schema as Schema, names, namespace)
    case 'fixed':
      return fixed(schema as Schema, names, namespace)
    case 'array': {
      const item = compile((schema as Schema)['items'], names, namespace)
      return (bytes) => bytes.blocks(() => item(bytes))
    }
    case 'map': {
      const value = compile((schema as Schema)['values'], names, namespace)
      return (bytes) => Object.fromEntries(bytes.blocks(() => [readString(bytes), value(bytes)] as const))
    }
    default:
      if (type === 'bytes' && logicalType === 'decimal') {
        const scale = scaleOf(schema as Schema)
        return (bytes) => decimalText(bytes.sized(), scale)
      }
      return compile(type, names, namespace)
  }
}

function named(name: string, names: Names, namespace: string): Read {
  const read = Object.hasOwn(PRIMITIVES, name) ? PRIMITIVES[name] : names.get(fullName(name, namespace))
  if (read === undefined) throw new Error(`it has no type ${name.slice(0, 80)}`)
  return read
}

const fullName = (name: string, namespace: string): string =>
  name.includes('.') || namespace === '' ? name : `${namespace}.${name}`

/** Known under its name while it is made: it may hold itself. */
function define(schema: Schema, names: Names, around: string, make: (namespace: string) => Read): Read {
  const { name, namespace = around } = schema
  if (typeof name !== 'string' || typeof namespace !== 'string') throw new Error('a type has no name')
  const full = fullName(name, namespace)
  let read: Read | undefined
  names.set(full, (bytes) => read!(bytes))
  read = make(full.includes('.') ? full.slice(0, full.lastIndexOf('.')) : '')
  return read
}

function record(schema: Schema, names: Names, around: string): Read {
  return define(schema, names, around, (namespace) => {
    const declared = schema['fields']
    if (!Array.isArray(declared)) throw new Error('a record has no fields')
    const fields = (declared as Schema[]).map(({ name, type }) => {
      if (typeof name !== 'string' || name === '__proto__') throw new Error('a field of a record has no name')
      return { name, read: compile(type, names, namespace) }
    })
    return (bytes) => {
      const object: Record<string, unknown> = {}
      for (const { name, read } of fields) object[name] = read(bytes)
      return object
    }
  })
}

function enumeration(schema: Schema, names: Names, around: string): Read {
  return define(schema, names, around, () => {
    const symbols = schema['symbols']
    if (!Array.isArray(symbols)) throw new Error('an enum has no symbols')
    return (bytes) => symbols[bytes.index(symbols.length)] as unknown
  })
}

function fixed(schema: Schema, names: Names, around: string): Read {
  return define(schema, names, around, () => {
    const { size, logicalType } = schema
    if (!Number.isInteger(size) || Number(size) < 0 || Number(size) > MAX_VALUE_BYTES)
      throw new Error('a fixed has no size')
    const length = Number(size)
    if (logicalType === 'decimal') {
      const scale = scaleOf(schema)
      return (bytes) => decimalText(bytes.take(length), scale)
    }
    if (logicalType === 'uuid' && length === 16)
      return (bytes) =>
        bytes
          .take(16)
          .toString('hex')
          .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
    return (bytes) => bytes.take(length).toString('base64')
  })
}

function union(branches: readonly unknown[], names: Names, namespace: string): Read {
  const reads = branches.map((branch) => compile(branch, names, namespace))
  return (bytes) => reads[bytes.index(reads.length)]!(bytes)
}

function scaleOf({ scale = 0 }: Schema): number {
  if (!Number.isInteger(scale) || Number(scale) < 0 || Number(scale) > 100)
    throw new Error('a decimal has no scale from 0 to 100')
  return Number(scale)
}
