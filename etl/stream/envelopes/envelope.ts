import type { RecordHeader, SourceRecord } from '../../kafka/record.ts'
import type { STOP_CODES } from '../../schema/audit.ts'
import type { JsonObject } from '../json.ts'
import type { DeadLetterCode } from '../types.ts'

/** What a message is wrapped in, and how the row that it is about is taken out. */

/** What an envelope can say beside the row itself. */
export interface Beside {
  /** Which of two states of a row is the newer one, where the envelope knows: for Debezium the log's position. */
  readonly version?: bigint | undefined
  /** What `at: envelope('…')` reads: the envelope's own parts, such as Debezium's `source`. */
  readonly parts?: JsonObject
  /** Who wrote it, by name: another one than before stops the partition. */
  readonly writer?: string | undefined
}

/** Why a record stops its partition until an operator has looked at it. */
export type StopAtRecord = Extract<(typeof STOP_CODES)[number], 'truncated'>

/** What a record means, before a field of it was looked at. */
export type Unwrapped =
  /** A row, whose fields are read. */
  | ({ readonly row: JsonObject } & Beside)
  /** That a row is gone: what is known of it, which is its key at least, or nothing where the record's key says it. */
  | ({ readonly deletion: JsonObject } & Beside)
  /** No row, and nothing wrong with it: counted as skipped. Why, in a few words. */
  | { readonly skip: string }
  /** It can't be unwrapped: a dead letter. */
  | NotUnwrapped
  /** Nothing behind it is loaded until an operator lets the partition go on, with this record skipped. */
  | { readonly stop: StopAtRecord; readonly reason: string }

export interface NotUnwrapped {
  readonly code: DeadLetterCode
  /** What is wrong and what is accepted, in a sentence. */
  readonly problem: string
  readonly field?: string
}

/** Pure, synchronous, and never throws: the same record is unwrapped in the same way at any time. */
export type Unwrap = (record: SourceRecord) => Unwrapped

/**
 * An envelope of one's own. Pure: the same record is unwrapped in the same way at any time. What it throws makes a
 * dead letter `malformed_value` of the record.
 *
 * @example
 * // Lines such as 17;pear: a row of two fields
 * (value) => {
 *   const [id, name] = value?.toString().split(';') ?? []
 *   return { row: { id: Number(id), name } }
 * }
 */
export type UnwrapFunction = (
  value: Buffer | null,
  key: Buffer | null,
  headers: readonly RecordHeader[],
) => Unwrapped

export interface DebeziumOptions {
  /** The path in the envelope that tells newer from older, a whole number; source.lsn unless told. */
  readonly version?: string
  /** The connector's `unavailable.value.placeholder`, if it is set to another. */
  readonly placeholder?: string
}

export interface CloudEventsOptions {
  /** The event types that are rows; others are skipped. All unless told. */
  readonly types?: readonly [string, ...string[]]
}

export interface RegistryOptions {
  /** What a value is when it is read by its schema: the row, or Debezium's change event. */
  readonly holds?: 'row' | 'debezium' | { readonly debezium: DebeziumOptions }
}

/** What messages are wrapped in. */
export type EnvelopeSpec =
  | 'json'
  | 'debezium'
  | { readonly debezium: DebeziumOptions }
  | 'cloudevents'
  | { readonly cloudevents: CloudEventsOptions }
  | 'registry'
  | { readonly registry: RegistryOptions }
  | UnwrapFunction
