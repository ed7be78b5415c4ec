import { existsSync } from 'node:fs'
import type { Random } from '../../producer/random.ts'
import { streams } from '../../streams/index.ts'
import type { Fields } from './message.ts'
import type { Trap } from './traps.ts'

/**
 * What must become of a record by its bytes alone: a second reading of a stream's contract, written after its words
 * and by other means than the product's. Shares nothing with etl/ and must never call it.
 *
 * It stands in the stream's folder, `streams/<name>/tests/hostile/contract.ts`, and exports `contract`.
 */
export interface Contract<Fact = unknown> extends Rules<Fact> {
  /** A message that keeps the contract, each of its own identity, of the hour before the record's time in Kafka. */
  readonly validFields: (random: Random, kafkaMs: number) => Fields
  /** @param kafkaMs the record's own time in Kafka, milliseconds since 1970. */
  readonly judge: (value: Buffer | null, kafkaMs: number) => Verdict<Fact>
  readonly traps: readonly Trap[]
  /** A fact once more: the same in other words, or with the same identity and not the same; or its next version. */
  readonly again: (fact: Fact, random: Random) => { readonly name: string; readonly value: Buffer }
  /** SQL for a JSON array of what is stored of a fact `t`, and the same of a fact: all that must be equal. */
  readonly stored: string
  readonly shown: (fact: Fact) => string
}

/** What the facts of a stream are to each other. */
export interface Rules<Fact = unknown> {
  /** What tells facts apart: of versions key and version. */
  readonly identityOf: (fact: Fact) => string
  /** What two facts of one identity are compared by, where that is not all that is shown. */
  readonly comparedOf?: (fact: Fact) => string
  /** Of a stream of versions: what the newest version of a key is. */
  readonly versions?: {
    readonly keyOf: (fact: Fact) => string
    readonly versionOf: (fact: Fact) => number
    readonly isDeletion: (fact: Fact) => boolean
  }
  readonly sums?: readonly Sums<Fact>[]
}

/** A table of sums over what counts: facts, or of each key the newest version that is no deletion. */
export interface Sums<Fact> {
  readonly table: string
  /** SQL for the text that names a cell, whatever its partition, and the same of a fact. */
  readonly cell: string
  readonly cellOf: (fact: Fact) => string
  /** SQL for whole numbers, each the sum of a cell, and what a fact adds to them. */
  readonly measures: readonly string[]
  readonly sharesOf: (fact: Fact) => readonly bigint[]
}

export type Verdict<Fact = unknown> =
  | { readonly code: 'malformed_json' | 'schema_violation' | 'timestamp_out_of_range' }
  | { readonly fact: Fact }

/** A stream with what its records must become. */
export interface Subject {
  readonly name: string
  readonly contract: Contract
}

/** The second place is that of a stream which only tests install. */
const placesOf = (name: string) => [
  `streams/${name.replaceAll('_', '-')}/tests/hostile/contract.ts`,
  `tests/support/streams/${name}-hostile.ts`,
]
const fileOf = (name: string) =>
  placesOf(name)
    .map((place) => new URL(`../../${place}`, import.meta.url))
    .find((url) => existsSync(url))

/** Streams of this installation that have a contract here. */
export const judgedStreams: readonly string[] = streams
  .map(({ name }) => name)
  .filter((name) => fileOf(name) !== undefined)

/** @throws Error where there is none: says which there are. */
export async function subjectOf(name: string = streams[0]!.name): Promise<Subject> {
  if (!streams.some((stream) => stream.name === name))
    throw new RangeError(
      `there is no stream ${JSON.stringify(name.slice(0, 80))}; it must be one of ${judgedStreams.join(', ')}`,
    )
  const file = fileOf(name)
  if (file === undefined) throw new RangeError(`the stream ${name} has no ${placesOf(name)[0]!}`)
  return { name, contract: ((await import(file.href)) as { contract: Contract }).contract }
}
