import { and, eq } from '../../postgres/drizzle.ts'
import { on } from '../../postgres/query.ts'
import { dataLosses } from '../../schema/audit.ts'
import { arrays, encoded, names, pick, readAs, sameKey } from '../../stream/columns.ts'
import type { Stream } from '../../stream/compile.ts'
import { columnName, type Row } from '../../stream/field.ts'
import type { Definition } from '../../stream/definition.ts'
import { redrivenOf } from '../../stream/each.ts'
import { asKnown, forgottenColumns } from '../../stream/forgotten.ts'
import { isEach, redrivenTable, storedColumns } from '../../stream/stored.ts'
import type { Progress } from '../../ledger/watermark.ts'
import type { Incarnation } from '../report.ts'
import { SortedRows } from '../../postgres/sorted-rows.ts'
import type { Snapshot } from '../snapshot.ts'

/** What a fact says, in the fields of its message, and its offset. */
export type FactRow = Row & { readonly offset: number }

/** SHA-256 of a key and a value; null stays null. */
export interface Hashes {
  readonly key_hash: string | null
  readonly value_hash: string | null
}

export interface DeadLetterRow extends Hashes {
  readonly id: number
  readonly offset: number
  /** Whether its bytes were overwritten. */
  readonly isForgotten: boolean
}
export interface LedgerRow {
  /** Where the batch begins. */
  readonly offset: number
  readonly to: number
  readonly name: string
  readonly consumed: number
  readonly duplicate: number
  readonly skipped: number
  readonly dropped: number
  readonly pruned: number
}

const OF_FACTS = `t.source_partition = $1 and t.incarnation = $2`
const OF_ROWS = `topic = $1 and partition = $2 and incarnation = $3`

/** From an offset on, in their order: one scan and one sort, as no index has the offset. */
export const openFacts = (
  snapshot: Snapshot,
  { counted, definition }: Stream,
  { partition, sourcePartition, incarnation }: Progress,
  from: number,
) =>
  SortedRows.open<FactRow>(
    snapshot,
    `facts_of_${partition}`,
    `select t.source_offset as "offset", ${forgottenColumns(definition, 't')}, ${readAs(storedColumns(definition).stored, 't')} from warehouse.${counted} t
     where ${OF_FACTS} and t.source_offset >= $3 order by t.source_offset`,
    [sourcePartition, incarnation, from],
  )

/** Of keys and values only the hashes: they may be large, and need only be equal. */
export const openDeadLetters = (
  snapshot: Snapshot,
  { topic, partition, incarnation }: Incarnation,
  from: number,
) =>
  SortedRows.open<DeadLetterRow>(
    snapshot,
    `dead_letters_of_${partition}`,
    `select id, "offset", encode(sha256(key), 'hex') as key_hash, encode(sha256(value), 'hex') as value_hash, forgotten_at is not null as "isForgotten"
     from audit.dead_letters where ${OF_ROWS} and "offset" >= $4 order by "offset"`,
    [topic, partition, incarnation, from],
  )

/** Offsets of a partition that were never loaded, ascending. */
export async function readLosses(snapshot: Snapshot, { topic, partition, incarnation }: Incarnation) {
  const { fromOffset, toOffset } = dataLosses
  return on(snapshot)
    .select({ from: fromOffset, to: toOffset })
    .from(dataLosses)
    .where(
      and(
        eq(dataLosses.topic, topic),
        eq(dataLosses.partition, partition),
        eq(dataLosses.incarnation, incarnation),
      ),
    )
    .orderBy(fromOffset)
}

/** Batches, and the opening balance before them, that end behind an offset. */
export const openLedger = (
  snapshot: Snapshot,
  { topic, partition, incarnation }: Incarnation,
  from: number,
) =>
  SortedRows.open<LedgerRow>(
    snapshot,
    `ledger_of_${partition}`,
    `select from_offset as "offset", to_offset as "to", 'batch ' || batch_id as name, consumed, duplicate, skipped, dropped, 0 as pruned
     from audit.pipeline_batches where ${OF_ROWS} and to_offset > $4
     union all
     select from_offset, to_offset, 'the opening balance of ' || topic || '/' || partition, consumed, duplicate, skipped, dropped,
            dead_letters_pruned
     from audit.opening_balances where ${OF_ROWS} and to_offset > $4
     order by 1`,
    [topic, partition, incarnation, from],
  )

export interface StoredCounts {
  readonly facts: number
  readonly deadLetters: number
}

/** How many facts and dead letters a partition has below an offset. */
export async function countStored(
  snapshot: Snapshot,
  { counted }: Stream,
  { topic, partition, sourcePartition, incarnation }: Progress,
  below: number,
): Promise<StoredCounts> {
  const facts = await snapshot.query<{ n: number }>(
    `select count(*) as n from warehouse.${counted} t where ${OF_FACTS} and t.source_offset < $3`,
    [sourcePartition, incarnation, below],
  )
  const deadLetters = await snapshot.query<{ n: number }>(
    `select count(*) as n from audit.dead_letters where ${OF_ROWS} and "offset" < $4`,
    [topic, partition, incarnation, below],
  )
  return { facts: facts.rows[0]!.n, deadLetters: deadLetters.rows[0]!.n }
}

/** Who holds an identity: since when, and the fact; null where that was dropped for its age or is lost. */
export interface Holder {
  /** Microseconds. */
  readonly at: number
  readonly fact: Row | null
}

/** What is stored of the identities of these rows, by identity. */
export async function findHolders(
  snapshot: Snapshot,
  { counted: name, definition, identity, eventTime }: Stream,
  rows: readonly Row[],
): Promise<Map<string, Holder>> {
  if (isEach(definition)) return findRedriven(snapshot, definition, rows)
  const { stored: all, key: ofCounted } = storedColumns(definition)
  const { scope } = definition.identity
  const key = scope === 'warehouse' ? pick(all, identity.fields) : ofCounted
  const [time] = pick(all, [eventTime])
  const byKeys =
    definition.identity.scope === 'warehouse'
      ? `join warehouse.${definition.identity.keys} k on ${sameKey(key, 'k', 'f')}
         left join warehouse.${name} t on t.${time!.name} = k.${time!.name} and ${sameKey(key, 't', 'k')}`
      : `join warehouse.${name} t on ${sameKey(key, 't', 'f')}`
  const holder = scope === 'warehouse' ? 'k' : 't'
  const found = await snapshot.query<Row & { heldAt: number; hasFact: boolean }>(
    `select ${key.map((column) => `${column.read(holder)} as "key ${column.field}"`).join(', ')},
            ${time!.read(holder)} as "heldAt", t.${time!.name} is not null as "hasFact", ${forgottenColumns(definition, 't')}, ${readAs(all, 't')}
     from (select distinct * from unnest(${arrays(key, 1)}) as f (${names(key)})) f ${byKeys}`,
    encoded(
      key,
      rows.map((row) => ({ row })),
    ),
  )
  return new Map(
    found.rows.map((row) => {
      const held = Object.fromEntries(key.map(({ field }) => [field, row[`key ${field}`]]))
      return [identity.of(held), { at: row.heldAt, fact: row.hasFact ? asKnown(all, row) : null }]
    }),
  )
}

/** Of single records only those that were sent again for a dead letter can be there already. */
async function findRedriven(
  snapshot: Snapshot,
  definition: Definition,
  rows: readonly Row[],
): Promise<Map<string, Holder>> {
  const time = columnName(definition.fields, definition.eventTime)
  const { rows: found } = await snapshot.query<Row & { of: string; heldAt: number; hasFact: boolean }>(
    `select k.redrive_of as "of", (extract(epoch from k.${time}) * 1000000)::bigint as "heldAt",
            t.source_offset is not null as "hasFact", ${readAs(storedColumns(definition).stored, 't')}
     from warehouse.${redrivenTable(definition)} k
     left join warehouse.${definition.name} t
       on (t.${time}, t.source_partition, t.incarnation, t.source_offset) = (k.${time}, k.source_partition, k.incarnation, k.source_offset)
     where k.redrive_of = any($1::text[])`,
    [rows.map(redrivenOf).filter((origin) => origin !== undefined)],
  )
  return new Map(
    found.map(({ of, heldAt, hasFact, ...row }) => [of, { at: heldAt, fact: hasFact ? row : null }]),
  )
}
