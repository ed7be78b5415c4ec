import { failureOf } from '../../../etl/job/circuit-breaker.ts'
import type { SchemaRegistry } from '../../../etl/job/schema-registry.ts'
import { transform } from '../../../etl/job/transform.ts'
import { validate, type Before, type Judged, type ValidationRules } from '../../../etl/job/validate.ts'
import type { SourceRecord } from '../../../etl/kafka/record.ts'
import type { Stream } from '../../../etl/stream/compile.ts'
import { isEach } from '../../../etl/stream/stored.ts'
import type { Fact, Stopping } from '../../../etl/stream/types.ts'

/** What would become of records by their declaration alone: what the warehouse holds is not looked at. */
export interface Trial {
  /** Records that were looked at: valid, rejected and skipped ones together. */
  readonly records: number
  /** Those that keep the contract. */
  readonly valid: number
  /** Of the valid ones those whose identity another of them had before. */
  readonly repeated: number
  /** They would be dead letters. */
  readonly rejected: number
  /** They are no rows, and nothing is wrong with them. */
  readonly skipped: number
  /** How often a partition would stop until an operator lets it go on. */
  readonly stops: number
  /** What is to be said of records that are not just valid, the most frequent first. */
  readonly groups: readonly Group[]
  /** Fields that are null in every valid record: optional ones, whose path may be wrong. */
  readonly alwaysNull: readonly string[]
}

/** Records with which the same is the matter. */
export interface Group {
  readonly outcome: 'dead letter' | 'skipped' | 'stop'
  /** Of a dead letter its failure: the code and the first field. Of a stop its code; else why it is skipped. */
  readonly failure: string
  readonly count: number
  /** The first of them. */
  readonly example: Example
}

interface Example {
  readonly partition: number
  readonly offset: number
  readonly issue: string | null
}

/** Records of one partition, in their order. */
interface Part {
  readonly partition: number
  readonly records: readonly SourceRecord[]
}

/**
 * Does what the job does with records up to their load, as if an operator let every stop pass.
 *
 * @param learn makes the schemas known that records name.
 * @throws what `learn` throws, and `derive`.
 */
export async function tryRecords(
  rules: ValidationRules & { readonly stream: Stream },
  parts: AsyncIterable<Part> | Iterable<Part>,
  learn: (records: readonly SourceRecord[]) => Promise<void>,
): Promise<Trial> {
  const { stream } = rules
  const total = { records: 0, valid: 0, repeated: 0, rejected: 0, skipped: 0, stops: 0 }
  const groups = new Map<string, Group>()
  const identities = isEach(stream.definition) ? undefined : new Set<string>()
  const alwaysNull = new Set(
    Object.keys(stream.definition.fields).filter((field) => stream.definition.fields[field]!.isOptional),
  )
  const writers = new Map<number, string | null>()

  for await (const { partition, records } of parts) {
    await learn(records)
    const { valid, rejected, skipped, stops, writer } = passing(
      records,
      rules,
      writers.get(partition) ?? null,
    )
    writers.set(partition, writer)
    const facts = transform(valid, stream, rejected)
    total.records += records.length
    total.valid += facts.length
    total.repeated += repeats(facts, identities)
    total.rejected += rejected.length
    total.skipped += skipped.length
    total.stops += stops.length
    for (const field of alwaysNull)
      if (facts.some(({ row }) => (row[field] ?? null) !== null)) alwaysNull.delete(field)
    const at = ({ offset }: SourceRecord, issue: string | null): Example => ({ partition, offset, issue })
    for (const rejection of rejected)
      add(
        groups,
        'dead letter',
        failureOf(rejection),
        at(rejection.record, rejection.issues[0]?.message ?? null),
      )
    for (const { record, skip } of skipped) add(groups, 'skipped', skip, at(record, null))
    for (const { record, stop, reason } of stops) add(groups, 'stop', stop, at(record, reason))
  }
  return {
    ...total,
    groups: [...groups.values()].toSorted((one, other) => other.count - one.count),
    alwaysNull: total.valid === 0 ? [] : [...alwaysNull],
  }
}

/**
 * Learns schemas from the registry alone: the warehouse keeps what was learnt before, and is not asked here. One that the
 * registry doesn't have is asked for once.
 */
export function learnFrom(registry: SchemaRegistry, { schemas }: Pick<Stream, 'schemas'>) {
  const { signal } = new AbortController()
  const asked = new Set<number>()
  return async (records: readonly SourceRecord[]): Promise<void> => {
    for (const id of schemas?.missing(records) ?? []) {
      if (asked.has(id)) continue
      asked.add(id)
      const schema = await registry.ask(id, signal)
      if (schema !== undefined) schemas!.learn(schema)
    }
  }
}

interface Passing extends Pick<Judged, 'valid' | 'rejected' | 'skipped'> {
  readonly stops: Stopping[]
  readonly writer: string | null
}

/** What the job makes of records where an operator lets it go on behind each stop. */
function passing(records: readonly SourceRecord[], rules: ValidationRules, writer: string | null): Passing {
  const all: Passing = { valid: [], rejected: [], skipped: [], stops: [], writer }
  let rest = records
  for (let before: Before = { passedOffset: null, writer }; ;) {
    const { valid, rejected, skipped, writer: last, stop } = validate(rest, rules, before)
    all.valid.push(...valid)
    all.rejected.push(...rejected)
    all.skipped.push(...skipped)
    if (stop === undefined) return { ...all, writer: last ?? null }
    all.stops.push(stop)
    rest = rest.slice(rest.indexOf(stop.record))
    before = { passedOffset: stop.record.offset, writer: null }
  }
}

function repeats(facts: readonly Fact[], identities: Set<string> | undefined): number {
  if (identities === undefined) return 0
  const before = identities.size
  for (const { identity } of facts) identities.add(identity)
  return facts.length - (identities.size - before)
}

function add(groups: Map<string, Group>, outcome: Group['outcome'], failure: string, example: Example): void {
  const key = `${outcome} ${failure}`
  const { count, example: first } = groups.get(key) ?? { count: 0, example }
  groups.set(key, { outcome, failure, count: count + 1, example: first })
}
