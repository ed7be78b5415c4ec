import { createHash } from 'node:crypto'
import type { SourceRecord } from '../../kafka/record.ts'
import { columnsOf, differing } from '../../stream/columns.ts'
import { daysOf } from '../../stream/age.ts'
import type { Stream } from '../../stream/compile.ts'
import type { Row } from '../../stream/field.ts'
import { asKnown, wasForgotten } from '../../stream/forgotten.ts'
import { isDeletion, storedColumns } from '../../stream/stored.ts'
import type { Fact } from '../../stream/types.ts'
import { findRedrives, firstPlaces } from '../../ledger/redrives.ts'
import type { Snapshot } from '../snapshot.ts'
import type { Findings } from '../findings.ts'
import type { DeepCounts, Incarnation } from '../report.ts'
import { findHolders, type DeadLetterRow, type FactRow, type Hashes, type Holder } from './stored-rows.ts'

/**
 * Whether a record keeps the contract was decided with the age limit of its time; what is asked here is
 * only which values it has.
 */
const ANY_AGE_DAYS = 36_500

/** What the deep check has found so far. */
export interface Found {
  readonly stream: Stream
  readonly findings: Findings
  readonly counts: DeepCounts
  /** Fields that a replay has filled, also in part: what was a duplicate before may say another value of these. */
  readonly filled: readonly string[]
  /** Whether the topic is compacted: then records in the middle may be gone. */
  readonly compacted: boolean
}

/**
 * Holds a part of the log against the facts and dead letters that are stored for it.
 *
 * @returns the records that are neither fact nor dead letter.
 */
export function matchRecords(
  { stream, findings, counts, compacted }: Found,
  { topic, partition }: Incarnation,
  records: readonly SourceRecord[],
  stored: { facts: readonly FactRow[]; deadLetters: readonly DeadLetterRow[] },
): SourceRecord[] {
  const subject = (offset: number) => `${topic}/${partition} offset ${offset}`
  const once = <Stored extends FactRow | DeadLetterRow>(
    rows: readonly Stored[],
    what: string,
  ): Map<number, Stored> => {
    const byOffset = new Map<number, Stored>()
    for (const row of rows) {
      if (byOffset.has(row.offset))
        findings.add('stored twice', subject(row.offset), `it has more than one ${what}`)
      byOffset.set(row.offset, row)
    }
    return byOffset
  }
  const facts = once(stored.facts, 'fact')
  const letters = once(stored.deadLetters, 'dead letter')
  const unmatched: SourceRecord[] = []
  for (const record of records) {
    const fact = facts.get(record.offset)
    const letter = letters.get(record.offset)
    facts.delete(record.offset)
    letters.delete(record.offset)
    if (fact === undefined && letter === undefined) {
      unmatched.push(record)
      continue
    }
    if (fact !== undefined && letter !== undefined)
      findings.add('stored twice', subject(record.offset), 'it is a fact and a dead letter')
    if (fact !== undefined) {
      const { wrong, toFill = [] } = heldAgainst(stream, fact, record)
      if (wrong === undefined) {
        counts.facts += 1
        if (wasForgotten(fact)) counts.forgotten += 1
        for (const field of toFill) counts.toFill[field] = (counts.toFill[field] ?? 0) + 1
      } else findings.add('fact with other values', subject(record.offset), wrong)
    }
    if (letter !== undefined) {
      const wrong = letter.isForgotten ? [] : differingBytes(letter, record)
      if (letter.isForgotten) counts.forgotten += 1
      if (wrong.length === 0) counts.deadLetters += 1
      else
        findings.add(
          'dead letter with other bytes',
          subject(record.offset),
          `dead letter ${letter.id} has another ${wrong.join(' and ')} than the record`,
        )
    }
  }
  for (const [left, what] of [
    [facts, 'fact'],
    [letters, 'dead letter'],
  ] as const) {
    if (compacted) counts.goneFromLog += left.size
    else
      for (const offset of left.keys())
        findings.add('not in the log', subject(offset), `there is a ${what}, but the log has no record there`)
  }
  return unmatched
}

/** What is wrong with a fact by its record, or which fields a replay would fill. */
function heldAgainst(
  stream: Stream,
  stored: FactRow,
  record: SourceRecord,
): { readonly wrong?: string; readonly toFill?: readonly string[] } {
  const outcome = stream.validate(record, ANY_AGE_DAYS)
  if ('code' in outcome)
    return { wrong: `it is a fact, but the record breaks the contract (${outcome.code})` }
  if (!('row' in outcome)) return { wrong: 'it is a fact, but the record is no row by its envelope' }
  const { definition } = stream
  const fact = asKnown(storedColumns(definition).stored, stored)
  const toFill = stream.unfilled(fact, outcome.row)
  const wrong = differences(stream, fact, outcome.row, toFill)
  return wrong.length === 0 ? { toFill } : { wrong: `the fact's ${wrong.join('; ')}` }
}

/** The fields that replays have filled, or begun to. */
export async function filledFields(snapshot: Snapshot, { name }: Pick<Stream, 'name'>): Promise<string[]> {
  const { rows } = await snapshot.query<{ field: string }>(
    `select distinct target ->> 'fill' as field from audit.operator_actions
     where action = 'replay' and stream = $1 and target ? 'fill' and target ->> 'dryRun' = 'false'`,
    [name],
  )
  return rows.map(({ field }) => field)
}

/**
 * Why a record may be neither fact nor dead letter.
 *
 * - `skipped`: it is no row by its envelope, or an operator let the partition pass it
 * - `duplicate`: its identity is in the warehouse, from another record, with the same values
 * - `no fact`: its identity has no fact, and is so old that the fact may have been dropped for its age
 * - `other`: by what the warehouse has it is lost, unless it was a dead letter that is pruned
 */
export type Unmatched =
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'skipped' }
  | { readonly kind: 'no fact' | 'other'; readonly why: string }

/** A month is dropped only when it has ended so many days ago; the owner's function refuses others. */
const DROPPED_AFTER_MS = 31 * 86_400_000

/** Looks for those who hold the identities of records that are neither fact nor dead letter. By their offsets. */
export async function explainUnmatched(
  { snapshot, stream, filled }: Pick<Found, 'stream' | 'filled'> & { readonly snapshot: Snapshot },
  records: readonly SourceRecord[],
  incarnation: number,
): Promise<Map<number, Unmatched>> {
  const explained = new Map<number, Unmatched>()
  const said: Fact[] = []
  for (const record of records) {
    const outcome = stream.validate(record, ANY_AGE_DAYS)
    if ('code' in outcome)
      explained.set(record.offset, { kind: 'other', why: `it breaks the contract (${outcome.code})` })
    else if (!('row' in outcome)) explained.set(record.offset, { kind: 'skipped' })
    else said.push({ offset: record.offset, identity: '', row: outcome.row })
  }
  if (said.length === 0) return explained
  const firstOf = firstPlaces(await findRedrives(snapshot, records))
  const valid = stream.identity.place(said, incarnation, firstOf)
  const holders = await findHolders(
    snapshot,
    stream,
    valid.map(({ row }) => row),
  )
  for (const { offset, row } of valid)
    explained.set(offset, explain(stream, row, holders.get(stream.identity.of(row)), filled))
  return explained
}

function explain(stream: Stream, row: Row, holder: Holder | undefined, filled: readonly string[]): Unmatched {
  const named = stream.identity.named(row)
  const at = row[stream.eventTime] as number
  if (holder?.fact) {
    // A record that was a duplicate when it came is one, whatever it says of a field that was declared later.
    const later = [...filled, ...stream.unfilled(holder.fact, row)]
    const different = differences(stream, holder.fact, row, later)
    if (different.length === 0) return { kind: 'duplicate' }
    return { kind: 'other', why: `${named} is another: its ${different.join('; ')}` }
  }
  if (holder !== undefined && holder.at !== at)
    return { kind: 'other', why: `${named} has a key of another time` }
  const why = holder === undefined ? `${named} was never loaded` : `${named} has a key, but no fact`
  return { kind: mayBeDropped(stream, at) ? 'no fact' : 'other', why }
}

/** By the end of the partition that it is in, and what the owner's function asks of that; any version, where they are pruned. */
function mayBeDropped({ definition: { partitionBy, keep, identity } }: Stream, micros: number): boolean {
  if (identity.latest !== undefined) return identity.keepVersions !== undefined
  const at = new Date(micros / 1_000)
  const [year, month] = [at.getUTCFullYear(), at.getUTCMonth()]
  const end = partitionBy === 'day' ? Date.UTC(year, month, at.getUTCDate() + 1) : Date.UTC(year, month + 1)
  const keptMs = keep === undefined ? DROPPED_AFTER_MS : daysOf(keep)! * 86_400_000
  return end <= Date.now() - keptMs
}

/**
 * Where the contract values of what is stored differ from the record's, as sentences; none if they are equal.
 *
 * @param but fields that are not looked at.
 */
function differences(
  { definition }: Stream,
  stored: Row,
  record: Row,
  but: readonly string[] = [],
): string[] {
  const [one, other] = [isDeletion(stored), isDeletion(record)]
  if (one !== other)
    return [`version ${one ? 'deletes' : 'does not delete'}, by the record it does${one ? ' not' : ''}`]
  const { key } = storedColumns(definition)
  const isPersonal = (field: string) => definition.fields[field]?.options.personal === true
  const compared = (one ? key : columnsOf(definition)).filter(({ field }) => !but.includes(field))
  return differing(compared, stored, record).map(({ field, kind }) => {
    if (isPersonal(field)) return `${field} is not what the record says`
    const show = (value: unknown) => (value === null ? 'null' : kind.show(value as object))
    return `${field} is ${show(stored[field])}, by the record ${show(record[field])}`
  })
}

/** Which of key and value are stored with other bytes than the record's. */
function differingBytes(stored: Hashes, { key, value }: SourceRecord): string[] {
  return [
    ...(stored.key_hash === sha256(key) ? [] : ['key']),
    ...(stored.value_hash === sha256(value) ? [] : ['value']),
  ]
}

const sha256 = (bytes: Buffer | null): string | null =>
  bytes === null ? null : createHash('sha256').update(bytes).digest('hex')
