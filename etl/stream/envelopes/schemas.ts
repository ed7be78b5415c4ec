import { plain } from '../../text/excerpt.ts'
import { messageOf } from '../../text/message-of.ts'
import type { SCHEMA_TYPES } from '../../schema/audit.ts'
import type { SourceRecord } from '../../kafka/record.ts'
import { decodeJson, MAX_VALUE_BYTES, type Decoded, type JsonObject } from '../json.ts'
import { avroReader } from './avro.ts'
import { protobufReader } from './protobuf.ts'
import { readFrame, schemaIdOf } from './wire-format.ts'

/** A schema as a registry has it. It never changes: another text is another id. */
export interface RegisteredSchema {
  readonly id: number
  readonly type: (typeof SCHEMA_TYPES)[number]
  readonly text: string
  /** Those that it refers to, each before those that refer to it. */
  readonly imports: readonly SchemaImport[]
}

export interface SchemaImport {
  /** As the schema that refers to it calls it: `shop/money.proto`. */
  readonly name: string
  readonly text: string
}

/** Reads a value behind its head. @throws where the bytes are not what the schema says. */
export type Reader = (body: Buffer) => JsonObject

const MESSAGE_LENGTH = 160

/**
 * The schemas that a stream has met, made into readers. Filled before records are looked at (etl/job/learn-schemas.ts),
 * so that validation needs no network and is decided by the record and its schema alone.
 */
export class Schemas {
  readonly #readers = new Map<number, Reader | { readonly unusable: string }>()

  /** The schema that a record's value names, if it names one. */
  idOf({ value, undecodable }: SourceRecord): number | undefined {
    return value === null || undecodable !== undefined || value.length > MAX_VALUE_BYTES
      ? undefined
      : schemaIdOf(value)
  }

  /** Those that these records name and that are not known, once each. */
  missing(records: readonly SourceRecord[]): number[] {
    const ids = new Set<number>()
    for (const record of records) {
      const id = this.idOf(record)
      if (id !== undefined && !this.#readers.has(id)) ids.add(id)
    }
    return [...ids]
  }

  /** A schema that can't be compiled is known too: what is written by it is a dead letter. */
  learn(schema: RegisteredSchema): void {
    try {
      this.#readers.set(schema.id, readerOf(schema))
    } catch (error) {
      this.#readers.set(schema.id, { unusable: plain(messageOf(error), MESSAGE_LENGTH) })
    }
  }

  /** What a value holds, by the schema that it names. */
  decode(value: Buffer): Decoded {
    if (value.length > MAX_VALUE_BYTES)
      return {
        code: 'schema_violation',
        problem: `value has ${value.length} bytes; it must have at most ${MAX_VALUE_BYTES}`,
      }
    const frame = readFrame(value)
    if ('code' in frame) return frame
    const reader = this.#readers.get(frame.id)
    if (reader === undefined)
      return {
        code: 'unknown_schema',
        problem: `value names schema ${frame.id}, which the schema registry did not have; it must be registered before it is used`,
      }
    if (typeof reader !== 'function')
      return {
        code: 'malformed_value',
        problem: `value names schema ${frame.id}, which can't be read (${reader.unusable}); it must be a record or message in Avro, JSON Schema or Protobuf`,
      }
    if (reader === JSON_READER) return decodeJson(frame.body)
    try {
      return { object: reader(frame.body) }
    } catch (error) {
      const problem = `value is not what schema ${frame.id} says (${plain(messageOf(error), MESSAGE_LENGTH)}); it must be written by that schema`
      return { code: 'malformed_value', problem }
    }
  }
}

/** JSON says itself what it holds; the stream's contract decides, not the schema. */
const JSON_READER: Reader = () => ({})

function readerOf({ type, text, imports }: RegisteredSchema): Reader {
  if (type === 'JSON') return JSON_READER
  return type === 'AVRO' ? avroReader(text, imports) : protobufReader(text, imports)
}
