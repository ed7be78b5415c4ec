import type { z } from 'zod'
import type { PgColumnBuilderBase } from 'drizzle-orm/pg-core'

/** What words of a declaration are made of; people who declare a stream need words.ts alone. */

/** The words, by the name that they have in words.ts. */
export type KindName =
  | 'uuid'
  | 'text'
  | 'oneOf'
  | 'currencyCode'
  | 'money'
  | 'moneyOf'
  | 'decimal'
  | 'int'
  | 'instant'
  | 'day'
  | 'flag'
  | 'percent'
  | 'list'
  | 'json'
  | 'rows'

/** Chance, for samples. */
export interface Draw {
  /** A whole number from `min` to `max`, both included. */
  between(min: number, max: number): number
  chance(probability: number): boolean
  pick<T>(items: readonly T[]): T
}

/** Draft 2020-12; what JSON Schema has no word for begins with `x-`. */
export type JsonSchema = Readonly<Record<string, unknown>> & { readonly description: string }

/** All faces of a kind of value. `T` is the value in code; a null never reaches one of these. */
export interface Kind<T, Name extends KindName = KindName> {
  readonly name: Name
  /**
   * How it is read off the wire. Pure and never async: on a record that is refused it runs twice. An issue's
   * message goes on after the field's name: "is 12.345; it must be a number with at most 2 decimals".
   */
  readonly wire: z.ZodType<T>
  /** Postgres' name of the type that `encode` writes an array of. */
  readonly element: 'uuid' | 'text' | 'numeric' | 'int4' | 'int8' | 'timestamptz' | 'bool'
  /** The column's own type, where an element must be cast to it. */
  readonly cast?: string
  /** What the column's type doesn't say. */
  readonly check?: {
    /** The end of the constraint's name, if one is to follow the column's. */
    readonly suffix?: string
    /** Whether it holds of what a message says only, and not of what is derived. */
    readonly ofMessages?: boolean
    readonly condition: (column: string) => string
  }
  /** Of an amount: the field of the same record that says its currency. */
  readonly of?: string
  /** Whether it reads a number of more than 15 digits, as `ExactNumber`; others get what a double makes of it. */
  readonly isExact?: boolean
  /** Of rows: the fields of a line, and how many there may be. They are in a table of their own. */
  readonly lines?: { readonly fields: Fields; readonly max: number }
  /** JSON Schema of what it takes, where `description` says all of it for people. Written by hand: zod knows no refinement. */
  readonly schema: JsonSchema
  /** What it is in code, with the unit: "hundredths, a number". */
  readonly inCode: string
  /** What it refuses, as JSON texts by what is wrong with them; each breaks one rule. */
  readonly refuses: Readonly<Record<string, string>>
  /** A value that it takes. */
  sample(draw: Draw, nowMs: number): T
  /** A value's JSON text, as a message has it. */
  write(value: T): string
  /** Its column, without NOT NULL and default. */
  column(name: string): PgColumnBuilderBase
  /** Postgres' binary array. */
  encode(values: readonly (T | null)[]): Buffer
  /**
   * SQL for a column's value in the units of `T`.
   *
   * @param currency the column of the field that `of` names.
   */
  read(column: string, currency?: string): string
  equal(a: T, b: T): boolean
  /** As a finding shows it. */
  show(value: T): string
  /** As a column's default takes it. */
  toColumn(value: T): unknown
  /** What takes the place of a personal value that is forgotten where its column can't be null: text that the column takes. */
  readonly marker: string
}

/** A part of the record besides its value, or of its envelope besides the row. */
export type FromRecord = { readonly key: true } | { readonly header: string } | { readonly envelope: string }

export interface FieldOptions<Personal extends boolean = boolean> {
  /**
   * Where its value stands, if not in the field of the message that is named as it: a path through objects, such as
   * `customer.id`, or the record's key or a header, as text, or a part of its envelope.
   */
  readonly at?: string | FromRecord
  /** Its column's name, if it is not the field's own. */
  readonly column?: string
  /**
   * Whether it says something about a person, so that it may have to be forgotten one day: then it is no part of an
   * identity, of a rollup's cells or of the event time, which are counted and proved for ever.
   */
  readonly personal?: Personal
}

/**
 * A field of a stream, or what is derived: a kind of value with its options.
 *
 * @typeParam Out the value in code, with null where it may be missing.
 */
export class Field<Out, Name extends KindName = KindName, Personal extends boolean = boolean> {
  /** For the compiler alone. */
  declare readonly out: Out
  declare readonly isPersonal: Personal
  readonly kind: Kind<NonNullable<Out>, Name>
  readonly options: FieldOptions
  readonly isOptional: boolean
  readonly fallback: NonNullable<Out> | undefined

  constructor(
    kind: Kind<NonNullable<Out>, Name>,
    options: FieldOptions = {},
    isOptional = false,
    fallback?: NonNullable<Out>,
  ) {
    this.kind = kind
    this.options = options
    this.isOptional = isOptional
    this.fallback = fallback
  }

  /** May be missing or null in a message, and is null then. */
  optional(): Field<Out | null, Name, Personal> {
    return new Field<Out | null, Name, Personal>(this.kind, this.options, true)
  }

  /**
   * May be missing, and is this then, in records and in facts from before alike: a record that comes again is a
   * duplicate whether it has the field or not. Null is refused.
   *
   * @param value in the units of `Out`.
   */
  default(value: NonNullable<Out>): Field<NonNullable<Out>, Name, Personal> {
    return new Field<NonNullable<Out>, Name, Personal>(this.kind, this.options, false, value)
  }
}

/** The fields of a message, or what is derived, by name. */
export type Fields = Readonly<Record<string, Field<unknown>>>

/** A record of these fields in code; null where a field may be missing. */
export type Row<F extends Fields = Fields> = { readonly [Name in keyof F]: F[Name]['out'] }

/** What the column of a field is named. */
export const columnName = (fields: Fields, field: string): string => fields[field]!.options.column ?? field

/** How a field is read off the wire, with what it is where it is missing. */
export function wireOf({ kind, isOptional, fallback }: Field<unknown>): z.ZodType {
  if (fallback !== undefined) return kind.wire.default(fallback)
  return isOptional ? kind.wire.nullish().transform((value) => value ?? null) : kind.wire
}
