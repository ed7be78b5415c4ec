import type { Field, Fields, KindName, Row } from './field.ts'
import type { ClientBase } from 'pg'
import type { z } from 'zod'
import type { EnvelopeSpec } from './envelopes/envelope.ts'
import type { LaterRule } from './later-rules.ts'

export type Settings = Readonly<Record<string, z.ZodType>>

type NameOf<F extends Fields> = keyof F & string
type NameOfKind<F extends Fields, Name extends KindName> = {
  [K in NameOf<F>]: F[K] extends Field<unknown, Name> ? K : never
}[NameOf<F>]
/** Those that can be missing can't tell records apart. */
type IdentityField<F extends Fields> = {
  [K in NameOfKind<F, 'uuid' | 'text' | 'oneOf' | 'int'>]: null extends F[K]['out'] ? never : K
}[NameOfKind<F, 'uuid' | 'text' | 'oneOf' | 'int'>]

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
  readonly once: Names<IdentityField<F>>
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

type Names<Name extends string> = NoInfer<Name> | readonly [NoInfer<Name>, ...NoInfer<Name>[]]

/**
 * What counts is the newest version of a key. Each version that was accepted is a row of `<stream>_history` and is what
 * the books count; `<stream>` holds the newest of each key. The same version again with the same values is a
 * duplicate, with others a dead letter `conflicting_duplicate`; an older one than the current is history.
 *
 * A deletion is a version too: it needs its key and its version and nothing else, and keeps the key in `<stream>`, with
 * `deleted_at`, so that an older version that comes late doesn't bring it back. `<stream>_live` is without them.
 */
export interface Latest<F extends Fields> {
  readonly latest: Names<IdentityField<F>>
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
type VersionField<F extends Fields> = {
  [K in NameOfKind<F, 'int' | 'instant'>]: null extends F[K]['out'] ? never : K
}[NameOfKind<F, 'int' | 'instant'>]

/** A length of time: `90 days`. */
export type Days = `${number} days` | '1 day'

/** What a stream must have, and what it can't have, because of its identity. */
export type ForIdentity<I> = I extends { readonly latest: object | string }
  ? { readonly partitionBy?: undefined; readonly keep?: undefined; readonly write?: undefined }
  : { readonly topic: { readonly compact?: undefined } } & (
      | { readonly partitionBy: 'month'; readonly keep?: undefined }
      | { readonly partitionBy: 'month' | 'day'; readonly maxAge: Days }
    )

/** The topic as `npm run topics` makes it, where the environment doesn't say otherwise. */
export interface Topic<Name> {
  /** The field that messages have as their key: records of one key are in one partition, in order. */
  readonly key: Name
  /** TOPIC_PARTITIONS unless told. */
  readonly partitions?: number
  /** How long Kafka keeps records; 7 days unless told, of versions for ever. */
  readonly retention?: Days | 'forever'
  /** Kafka keeps the newest record of each key, for ever: of versions only, and by their key. */
  readonly compact?: boolean
}

export type Measure<All extends Fields> = { readonly where?: NoInfer<NameOfKind<All, 'flag'>> } & (
  | { readonly measure: 'count' }
  | { readonly measure: 'sum'; readonly field: NoInfer<NameOfKind<All, 'money' | 'int' | 'percent'>> }
)

/** Sums of facts by time, kept in the transaction that loads them. */
export interface Rollup<F extends Fields, D extends Fields> {
  /** How long a cell is, in UTC; also the name of the column that says when it begins. */
  readonly every: 'minute' | 'hour' | 'day'
  /** Fields of the message that have a cell each; a replay never moves a fact from cell to cell. */
  readonly by: readonly NoInfer<NameOfKind<F, 'text' | 'oneOf' | 'currencyCode'>>[]
  /** By the name of their column. One at least counts all facts. */
  readonly measures: Readonly<Record<string, Measure<F & D>>>
}

/**
 * What a load does beside facts and rollups, in its transaction: for what the language has no word for. Its tables
 * are made by a migration that is written by hand.
 */
export interface Write<All extends Fields> {
  /** Its tables in the schema warehouse, and what it does there: `npm run migrate` grants that. */
  readonly tables: Readonly<Record<string, readonly ('SELECT' | 'INSERT' | 'UPDATE' | 'DELETE')[]>>
  /** Whether what breaks a constraint of these tables is the record's fault, so a dead letter; else the run fails. */
  readonly blames?: boolean
  /** SQL that selects what is wrong, as `subject` and `message`, for `pulse reconcile`: no row where all is well. */
  readonly check: string
  /**
   * Gets each row that is loaded once, and the same ones again only after a rollback. Called after facts and rollups,
   * with the lock of the partition's watermark: whoever locks rows that other partitions lock too does so in the order of
   * their keys, or two workers wait for each other.
   */
  apply(this: void, client: ClientBase, rows: readonly Row<All>[], batch: WrittenBatch): Promise<void>
}

/** Where the rows of a `write` came from. */
export interface WrittenBatch {
  readonly id: string
  readonly sourcePartition: number
  readonly incarnation: number
}

export interface Invariant {
  /** In a sentence. */
  readonly rule: string
  /** SQL over the columns of a fact. */
  readonly holds: string
  /** The fields that a finding shows. */
  readonly shows: readonly string[]
}

/** A record type. See docs/CUSTOMIZING.md. */
export interface StreamSpec<
  F extends Fields,
  D extends Fields,
  Rules,
  Environment extends Settings,
  I extends Identity<F> = Identity<F>,
> {
  /** One fact, for people: "transaction". */
  readonly title: string
  readonly topic: Topic<NoInfer<NameOf<F>>>
  /** What messages are wrapped in; the bare JSON object unless told. See docs/CUSTOMIZING.md, Envelopes. */
  readonly envelope?: EnvelopeSpec
  readonly fields: F
  /** The field that says when it happened: partitions, rollups and the age limit go by it. */
  readonly eventTime: NoInfer<NameOfKind<F, 'instant'>>
  /** How the table of facts is cut, by their time. Histories are not cut: a version is unique over all times. */
  readonly partitionBy?: 'month' | 'day'
  /**
   * How much older than its record what it tells of may be; TRANSACTION_MAX_AGE_DAYS unless told. At most 400 days where
   * facts are cut by day.
   */
  readonly maxAge?: Days
  /**
   * How long facts are kept; for ever unless told. So long that nothing that was dropped can come again: at least
   * `maxAge`, how long the topic keeps its records, its segment.ms and a day.
   */
  readonly keep?: Days
  /**
   * What each fact has of where it came from, beside partition, incarnation and offset: `batch` (unless told) an id, its
   * batch's name and when it was loaded; `origin` nothing, as the ledger has the range that its offset is in. That is some
   * 50 bytes a fact less.
   */
  readonly lineage?: 'batch' | 'origin'
  readonly identity: I
  /** Indexes by the end of their name: columns, and the flag that rows must have. */
  readonly indexes?: Readonly<
    Record<
      string,
      { readonly on: NoInfer<NameOf<F> | NameOf<D>>; readonly where?: NoInfer<NameOfKind<D, 'flag'>> }
    >
  >
  readonly laterRules?: readonly LaterRule<Row<NoInfer<F>>>[]
  /** What is computed of each record and stored with it. */
  readonly derived?: D
  /** What the environment may set for `rules`, each with a zod schema that reads its text. */
  readonly environment?: Environment
  /** What `derive` depends on besides the record; made once at the start. What it throws is a bad configuration. */
  rules?(
    this: void,
    environment: { readonly [Name in keyof Environment]: z.output<Environment[Name]> },
  ): Rules
  /** Computes it, of the record alone: no clock and no look-up, so that a replay decides the same. */
  derive?(this: void, row: Row<F>, rules: Rules): Row<NoInfer<D>>
  readonly rollups?: Readonly<Record<string, Rollup<F, D>>>
  /** Further tables that are written with the facts. */
  readonly write?: Write<NoInfer<F & D>>
  /** What holds of each fact, by the name of the check that `pulse reconcile` makes of it. */
  readonly invariants?: Readonly<Record<string, Invariant>>
  /** What a replay counts before and after, by name, of all facts that it found: a count, or a sum by a field. */
  readonly replayFigures?: Readonly<Record<string, Measure<F & D> & { readonly by?: NoInfer<NameOf<F>> }>>
}

/** A stream as the engine sees it: whatever its fields are. `defineStream` has checked that all names are there. */
export interface Definition {
  readonly name: string
  readonly title: string
  readonly topic: Topic<string>
  readonly envelope?: EnvelopeSpec
  readonly fields: Fields
  readonly eventTime: string
  readonly partitionBy?: 'month' | 'day'
  readonly maxAge?: string
  readonly keep?: string
  readonly lineage?: 'batch' | 'origin'
  readonly identity: AnyIdentity
  readonly indexes?: Readonly<Record<string, { readonly on: string; readonly where?: string }>>
  readonly laterRules?: readonly LaterRule<Row>[]
  readonly derived?: Fields
  readonly environment?: Settings
  readonly rules?: (environment: Readonly<Record<string, unknown>>) => unknown
  readonly derive?: (row: Row, rules: unknown) => Row
  readonly rollups?: Readonly<
    Record<
      string,
      {
        readonly every: 'minute' | 'hour' | 'day'
        readonly by: readonly string[]
        readonly measures: Readonly<Record<string, AnyMeasure>>
      }
    >
  >
  readonly write?: Write<Fields>
  readonly invariants?: Readonly<Record<string, Invariant>>
  readonly replayFigures?: Readonly<Record<string, AnyMeasure & { readonly by?: string }>>
}

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

export type AnyMeasure = { readonly where?: string } & (
  | { readonly measure: 'count' }
  | { readonly measure: 'sum'; readonly field: string }
)
