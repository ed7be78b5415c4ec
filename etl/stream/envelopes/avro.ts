import avro from 'avsc'
import type { JsonObject } from '../json.ts'
import { decimalText } from './decimal-text.ts'
import type { Reader, SchemaImport } from './schemas.ts'

const { Type, types } = avro

/**
 * Reads values by the schema that they were written with, into plain values as words take them:
 *
 * - `decimal` (bytes or fixed): its digits as text, `"12.50"`
 * - `date`, `time-…`, `timestamp-…`: the number that is written, for `day({ epoch })` and `instant({ epoch })`
 * - `long`: a number, or a bigint where it has more digits than a number keeps
 * - an enum: its symbol; a union: the value of its branch; other bytes: base64
 *
 * @throws Error where the text is no schema of a record.
 */
export function avroReader(text: string, imports: readonly SchemaImport[]): Reader {
  // Names that imports define are found here by the schemas behind them.
  const registry = { long: LONG }
  const options = {
    registry,
    logicalTypes: { decimal: Decimal },
    wrapUnions: 'never',
    omitRecordMethods: true,
  } as unknown as Parameters<typeof Type.forSchema>[1]
  for (const one of imports) Type.forSchema(JSON.parse(one.text) as avro.Schema, options)
  const type = Type.forSchema(JSON.parse(text) as avro.Schema, options)
  if (type.typeName !== 'record') throw new Error(`it is a schema of type ${type.typeName}, not of a record`)
  const hasBytes = /"(bytes|fixed)"/.test([text, ...imports.map((one) => one.text)].join(' '))
  return hasBytes
    ? (body) => withoutBytes(type.fromBuffer(body)) as JsonObject
    : (body) => type.fromBuffer(body) as JsonObject
}

/** avsc refuses a long that is no safe integer, unless it is told what to make of one. */
const LONG = types.LongType.__with({
  fromBuffer: (bytes: Buffer) => {
    const value = bytes.readBigInt64LE()
    return Number.isSafeInteger(Number(value)) ? Number(value) : value
  },
  toBuffer: (value: number | bigint) => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64LE(BigInt(value))
    return bytes
  },
  fromJSON: (value: number) => value,
  toJSON: Number,
  isValid: (value: unknown) => typeof value === 'bigint' || Number.isSafeInteger(value),
  compare: (a: number | bigint, b: number | bigint) => (a < b ? -1 : Number(a > b)),
})

class Decimal extends types.LogicalType {
  readonly #scale: number

  constructor(schema: avro.Schema, options?: object) {
    super(schema, options)
    const { scale = 0 } = schema as { scale?: number }
    if (!Number.isInteger(scale) || scale < 0 || scale > 100)
      throw new Error(`decimal has the scale ${scale}`)
    this.#scale = scale
  }

  protected override _fromValue(unscaled: Buffer): string {
    return decimalText(unscaled, this.#scale)
  }

  protected override _toValue(): undefined {
    return undefined // nothing is written
  }
}

function withoutBytes(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return value.toString('base64')
  if (Array.isArray(value)) return value.map(withoutBytes)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, withoutBytes(part)]))
}
