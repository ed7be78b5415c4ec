import type { Field, Fields, KindName, Row } from './field.ts'

/** The types of a declaration's identity, and of the names that it may use. */

export type NameOf<F extends Fields> = keyof F & string
export type NameOfKind<F extends Fields, Name extends KindName> = {
  [K in NameOf<F>]: F[K] extends Field<unknown, Name> ? K : never
}[NameOf<F>]
/** What is counted and proved for ever can't be forgotten. */
export type Lasting<F extends Fields, Names extends NameOf<F>> = {
  [K in Names]: F[K] extends Field<unknown, KindName, false> ? K : never
}[Names]
/** Those that can be missing can't tell records apart. */
export type Present<F extends Fields, Names extends NameOf<F>> = {
  [K in Names]: null extends F[K]['out'] ? never : K
}[Names]
type IdentityField<F extends Fields> = Lasting<
  F,
  Present<F, NameOfKind<F, 'uuid' | 'text' | 'oneOf' | 'int'>>
>

/**
 * What makes two records the same, and which of them counts: a fact that happens **once**, the **latest** version of
 * what changes, or **each** record.
 */
export type Identity<F extends Fields> = Once<F> | Latest<F> | Each

/**
 * What makes two records the same: a fact happens **once**. The same values again are a duplicate, others a
 * dead letter `conflicting_duplicate`.
 *
 * - `scope: 'warehouse'`: the identity is unique over all facts, by a table of keys.
 * - `scope: 'event_time'`: unique together with the event time, by the facts' own primary key. Cheaper, and an
 *   identity with another time is another fact.
 */
export type Once<F extends Fields> = {
  readonly once: OneOrSeveral<IdentityField<F>>
  readonly latest?: undefined
  readonly each?: undefined
  /** What it names, for people: an order. The stream's title unless told. */
  readonly title?: string
} & (
  | { readonly scope: 'warehouse'; /** Name of the table of keys. */ readonly keys: string }
  | { readonly scope: 'event_time' }
)

/**
 * Each record is a fact, as nothing in it tells it from another: what a producer sends twice is there twice. A record that
 * was sent again for a dead letter is loaded once.
 */
export interface Each {
  readonly each: 'record'
  readonly once?: undefined
  readonly latest?: undefined
  readonly title?: string
}

type OneOrSeveral<Name extends string> = NoInfer<Name> | readonly [NoInfer<Name>, ...NoInfer<Name>[]]

/**
 * What counts is the newest version of a key. Each version that was accepted is a row of `<stream>_history` and is what
 * the books count; `<stream>` holds the newest of each key. The same version again with the same values is a
 * duplicate, with others a dead letter `conflicting_duplicate`; an older one than the current is history.
 *
 * A deletion is a version too: it needs its key and its version and nothing else, and keeps the key in `<stream>`, with
 * `deleted_at`, so that an older version that comes late doesn't bring it back. `<stream>_live` is without them.
 */
export interface Latest<F extends Fields> {
  readonly latest: OneOrSeveral<IdentityField<F>>
  readonly once?: undefined
  readonly each?: undefined
  /**
   * The field that says which of two versions is newer: the higher one. Or `log`, for topics without a version, such as
   * compacted ones: the later record is the newer. The record's key is the identity then, as only that keeps a key in
   * one partition, and a record without a value deletes.
   */
  readonly by: NoInfer<VersionField<F>> | 'log'
  /**
   * Whether a record deletes its key: the name of a flag, or a function of the fields, of which in a record that breaks
   * the contract only those that are right are there.
   */
  readonly deletedWhen?: NoInfer<NameOfKind<F, 'flag'>> | ((row: Partial<Row<NoInfer<F>>>) => boolean)
  /**
   * How many versions of a key the history keeps, the newest ones; all of them unless told. A record of a version that was
   * pruned, or of an older one, is a duplicate that isn't compared.
   */
  readonly keepVersions?: number
  /** What it names, for people: a product. The stream's title unless told. */
  readonly title?: string
}

/** What can be higher than another. */
type VersionField<F extends Fields> = Lasting<F, Present<F, NameOfKind<F, 'int' | 'instant'>>>

/** A length of time: `90 days`. */
export type Days = `${number} days` | '1 day'

/** What a stream must have, and what it can't have, because of its identity. */
export type ForIdentity<I> = I extends { readonly latest: object | string }
  ? {
      readonly partitionBy?: undefined
      readonly keep?: undefined
      readonly write?: undefined
      readonly start?: 'beginning'
    }
  : { readonly topic: { readonly compact?: undefined } } & (
      | { readonly partitionBy: 'month'; readonly keep?: undefined }
      | { readonly partitionBy: 'month' | 'day'; readonly maxAge: Days }
    )

export type AnyIdentity = AnyOnce | AnyLatest | AnyEach

interface AnyEach extends Each {
  readonly by?: undefined
  readonly scope?: undefined
  readonly keys?: undefined
}

type AnyOnce = {
  readonly once: string | readonly string[]
  readonly latest?: undefined
  readonly each?: undefined
  readonly by?: undefined
  readonly title?: string
} & (
  | { readonly scope: 'warehouse'; readonly keys: string }
  | { readonly scope: 'event_time'; readonly keys?: undefined }
)

export interface AnyLatest {
  readonly latest: string | readonly string[]
  readonly once?: undefined
  readonly each?: undefined
  readonly by: string
  readonly deletedWhen?: string | ((row: Row) => boolean)
  readonly keepVersions?: number
  readonly title?: string
  readonly scope?: undefined
  readonly keys?: undefined
}
