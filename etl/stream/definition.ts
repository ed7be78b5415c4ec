import type { Amount } from './amount.ts'
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
/** What is counted and proved for ever can't be forgotten. */
type Lasting<F extends Fields, Names extends NameOf<F>> = {
  [K in Names]: F[K] extends Field<unknown, KindName, false> ? K : never
}[Names]
/** Those that can be missing can't tell records apart. */
type Present<F extends Fields, Names extends NameOf<F>> = {
  [K in Names]: null extends F[K]['out'] ? never : K
}[Names]
type IdentityField<F extends Fields> = Lasting<
  F,
  Present<F, NameOfKind<F, 'uuid' | 'text' | 'oneOf' | 'int'>>
>

/**
 * What makes two records the same: a fact happens **once**. The same values again are a duplicate, others a
 * dead letter `conflicting_duplicate`.
 *
 * - `scope: 'warehouse'`: the identity is unique over all facts, by a table of keys.
 * - `scope: 'event_time'`: unique together with the event time, by the facts' own primary key. Cheaper, and an
 *   identity with another time is another fact.
 */
export type Identity<F extends Fields> = {
  readonly once:
    | NoInfer<IdentityField<F>>
    | readonly [NoInfer<IdentityField<F>>, ...NoInfer<IdentityField<F>>[]]
  /** What it names, for people: an order. The stream's title unless told. */
  readonly title?: string
} & (
  | { readonly scope: 'warehouse'; /** Name of the table of keys. */ readonly keys: string }
  | { readonly scope: 'event_time' }
)

export type Measure<All extends Fields> = { readonly where?: NoInfer<NameOfKind<All, 'flag'>> } & (
  | { readonly measure: 'count' }
  | {
      readonly measure: 'sum'
      readonly field: NoInfer<NameOfKind<All, 'money' | 'moneyOf' | 'int' | 'percent'>>
    }
)

/** The field that says the currency of what a measure sums, or never. */
type CurrencyOf<All extends Fields, M> = M extends { readonly measure: 'sum'; readonly field: infer Name }
  ? Name extends NameOf<All>
    ? All[Name] extends Field<infer Value, 'moneyOf'>
      ? NonNullable<Value> extends Amount<infer Of>
        ? Of
        : never
      : never
    : never
  : never

/** What the compiler says where euros would be added to yen. */
type ByItsCurrency<All extends Fields, M, By> = [CurrencyOf<All, M>] extends [By]
  ? unknown
  : { readonly 'its currency must be in by': CurrencyOf<All, M> }

/** That rollups and figures which sum amounts are by their currency. */
export interface SumsByCurrency<All extends Fields, R, Figures> {
  readonly rollups?: {
    readonly [Name in keyof R]: R[Name] extends {
      readonly by: infer By
      readonly measures: infer Measures
    }
      ? {
          readonly measures: {
            readonly [M in keyof Measures]: ByItsCurrency<
              All,
              Measures[M],
              By extends readonly unknown[] ? By[number] : never
            >
          }
        }
      : unknown
  }
  readonly replayFigures?: {
    readonly [M in keyof Figures]: ByItsCurrency<
      All,
      Figures[M],
      Figures[M] extends { readonly by: infer By } ? By : never
    >
  }
}

/** That amounts name the field of their currency: one of the message, or of their line, that is always there. */
export type CurrenciesThere<Group extends Fields, F extends Fields> = {
  readonly [K in keyof Group]: Group[K] extends { readonly lines: infer L extends Fields }
    ? CurrenciesOfLines<L, F>
    : CurrencyThere<Group[K], Present<F, NameOfKind<F, 'currencyCode'>>>
}
type CurrencyThere<One, Currencies> =
  One extends Field<infer Value, 'moneyOf'>
    ? NonNullable<Value> extends Amount<infer Of>
      ? Of extends Currencies
        ? unknown
        : { readonly 'of must be a currencyCode that is always there': Of }
      : unknown
    : unknown
type CurrenciesOfLines<L extends Fields, F extends Fields> = {
  readonly lines: {
    readonly [K in keyof L]: CurrencyThere<
      L[K],
      Present<F, NameOfKind<F, 'currencyCode'>> | Present<L, NameOfKind<L, 'currencyCode'>>
    >
  }
}

/** What is derived has no lines. */
export type NoLines<D extends Fields> = {
  readonly [K in keyof D]: D[K] extends Field<unknown, 'rows'>
    ? { readonly 'can not have lines': K }
    : unknown
}

/** Sums of facts by time, kept in the transaction that loads them. */
export interface Rollup<F extends Fields, D extends Fields> {
  /** How long a cell is, in UTC; also the name of the column that says when it begins. */
  readonly every: 'minute' | 'hour' | 'day'
  /** Fields of the message that have a cell each; a replay never moves a fact from cell to cell. */
  readonly by: readonly NoInfer<Lasting<F, NameOfKind<F, 'text' | 'oneOf' | 'currencyCode'>>>[]
  /** By the name of their column. One at least counts all facts. */
  readonly measures: Readonly<Record<string, Measure<F & D>>>
}

export type Rollups<F extends Fields, D extends Fields> = Readonly<Record<string, Rollup<F, D>>>
export type ReplayFigures<F extends Fields, D extends Fields> = Readonly<
  Record<string, Measure<F & D> & { readonly by?: NoInfer<NameOf<F>> }>
>

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

/** A record type. See docs/STREAMS.md. */
export interface StreamSpec<
  F extends Fields,
  D extends Fields,
  Rules,
  Environment extends Settings,
  R extends Rollups<F, D>,
  Figures extends ReplayFigures<F, D>,
> {
  /** One fact, for people: "transaction". */
  readonly title: string
  readonly topic: {
    /** The field that messages have as their key: records of one key are in one partition, in order. */
    readonly key: NoInfer<NameOfKind<F, Exclude<KindName, 'rows'>>>
    /** The stream's own name with - for _ unless given; the environment may say another. */
    readonly name?: string
    /** How many `npm run topics` makes: 3 unless given. */
    readonly partitions?: number
  }
  /** What messages are wrapped in; the bare JSON object unless told. See docs/CUSTOMIZING.md, Envelopes. */
  readonly envelope?: EnvelopeSpec
  readonly fields: F
  /** The field that says when it happened: partitions, rollups and the age limit go by it. */
  readonly eventTime: NoInfer<Lasting<F, NameOfKind<F, 'instant'>>>
  readonly partitionBy: 'month'
  readonly identity: Identity<F>
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
  readonly rollups?: R
  /** Further tables that are written with the facts. */
  readonly write?: Write<NoInfer<F & D>>
  /** What holds of each fact, by the name of the check that `pulse reconcile` makes of it. */
  readonly invariants?: Readonly<Record<string, Invariant>>
  /** What a replay counts before and after, by name, of all facts that it found: a count, or a sum by a field. */
  readonly replayFigures?: Figures
}

/** A stream as the engine sees it: whatever its fields are. `defineStream` has checked that all names are there. */
export interface Definition {
  readonly name: string
  readonly title: string
  readonly topic: { readonly key: string; readonly name?: string; readonly partitions?: number }
  readonly envelope?: EnvelopeSpec
  readonly fields: Fields
  readonly eventTime: string
  readonly partitionBy: 'month'
  readonly identity: {
    readonly once: string | readonly string[]
    readonly title?: string
  } & ({ readonly scope: 'warehouse'; readonly keys: string } | { readonly scope: 'event_time' })
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

export type AnyMeasure = { readonly where?: string } & (
  | { readonly measure: 'count' }
  | { readonly measure: 'sum'; readonly field: string }
)
