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
export interface Contract<Fact = unknown> {
  /** A message that keeps the contract, each of its own identity, of the hour before the record's time in Kafka. */
  readonly validFields: (random: Random, kafkaMs: number) => Fields
  /** @param kafkaMs the record's own time in Kafka, milliseconds since 1970. */
  readonly judge: (value: Buffer | null, kafkaMs: number) => Verdict<Fact>
  readonly traps: readonly Trap[]
  /** What tells facts apart. */
  readonly identityOf: (fact: Fact) => string
  /** A fact once more: the same in other words, or with the same identity and not the same. */
  readonly again: (fact: Fact, random: Random) => { readonly name: string; readonly value: Buffer }
  /** SQL for a JSON array of what is stored of a fact `t`, and the same of a fact: all that must be equal. */
  readonly stored: string
  readonly shown: (fact: Fact) => string
}

export type Verdict<Fact = unknown> =
  | { readonly code: 'malformed_json' | 'schema_violation' | 'timestamp_out_of_range' }
  | { readonly fact: Fact }

const { name } = streams[0]!
/** The second one is that of a stream which only tests install. */
const PLACES = [`../../streams/${name}/tests/hostile/contract.ts`, `../support/streams/${name}-hostile.ts`]

async function load(): Promise<Contract> {
  const file = PLACES.map((place) => new URL(place, import.meta.url)).find((url) => existsSync(url))
  if (file === undefined) throw new Error(`the stream ${name} has no ${PLACES[0]!.slice(6)}`)
  return ((await import(file.href)) as { contract: Contract }).contract
}

/** Of the stream that this installation loads. */
export const contract = await load()
/** Its table of facts. */
export const FACTS = `warehouse.${name}`
