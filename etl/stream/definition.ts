import type { Amount } from './amount.ts'
import type { Field, Fields, KindName, Row } from './field.ts'
import type { ClientBase } from 'pg'
import type { z } from 'zod'
import type { EnvelopeSpec } from './envelopes/envelope.ts'
import type { AnyIdentity, Days, Identity, Lasting, NameOf, NameOfKind, Present } from './identity-types.ts'
import type { LaterRule } from './later-rules.ts'
import type { Start } from './start.ts'

export type { AnyLatest, Days, ForIdentity, Identity } from './identity-types.ts'

export type Settings = Readonly<Record<string, z.ZodType>>

/** The topic as `npm run topics` makes it, where the environment doesn't say otherwise. */
export interface Topic<Name> {
  /** The field that messages have as their key: records of one key are in one partition, in order. */
  readonly key: Name
  /** The stream's own name with - for _ unless given; the environment may say another. */
  readonly name?: string
  /** How many `npm run topics` makes: 3 unless given. */
  readonly partitions?: number
  /** How long Kafka keeps records; 7 days unless told, of versions for ever. */
  readonly retention?: Days | 'forever'
  /** Kafka keeps the newest record of each key, for ever: of versions only, and by their key. */
  readonly compact?: boolean
}

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
  I extends Identity<F> = Identity<F>,
> {
  /** One fact, for people: "transaction". */
  readonly title: string
  readonly topic: Topic<NoInfer<NameOfKind<F, Exclude<KindName, 'rows'>>>>
  /** What messages are wrapped in; the bare JSON object unless told. See docs/CUSTOMIZING.md, Envelopes. */
  readonly envelope?: EnvelopeSpec
  readonly fields: F
  /** The field that says when it happened: partitions, rollups and the age limit go by it. */
  readonly eventTime: NoInfer<Lasting<F, NameOfKind<F, 'instant'>>>
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
   * Where it begins in a topic that it has never consumed: with the oldest record unless told. Counts once, when the topic is
   * seen first; partitions that the topic gets later begin at their beginning. What lies before is not read, by declaration.
   */
  readonly start?: Start
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
  readonly topic: Topic<string>
  readonly envelope?: EnvelopeSpec
  readonly fields: Fields
  readonly eventTime: string
  readonly partitionBy?: 'month' | 'day'
  readonly maxAge?: string
  readonly keep?: string
  readonly start?: string
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

export type AnyMeasure = { readonly where?: string } & (
  | { readonly measure: 'count' }
  | { readonly measure: 'sum'; readonly field: string }
)
