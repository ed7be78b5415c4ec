import { isUtf8 } from 'node:buffer'
import type { ClientBase } from 'pg'
import type { SourceRecord } from '../kafka/record.ts'
import type { Snapshot } from '../postgres/snapshot.ts'
import { SortedRows } from '../postgres/sorted-rows.ts'
import { arrays, encoded, pick, readAs, sameKey } from './columns.ts'
import { identityFields } from './define.ts'
import type { AnyLatest, Definition } from './definition.ts'
import { wireOf, type Row } from './field.ts'
import { countedTable, DELETED_AT, storedColumns, versionFields } from './stored.ts'
import type { Fact } from './types.ts'

/** A current row that is not deleted: its key, and the offset of its record. */
export type Kept = Row & { readonly offset: number }

/** A partition in an incarnation, as current rows name it. */
interface Source {
  readonly sourcePartition: number
  readonly incarnation: number
}

/** Statements about current rows of a stream that its log orders, for who looks for deletions that the log has lost. */
export interface SweepStatements {
  /** The identity that a record's key says, as text; undefined where it says none. */
  keyOf(record: Pick<SourceRecord, 'key'>): string | undefined
  /** As `keyOf`, of a row. */
  nameOf(row: Row): string
  /** What of a partition's incarnation is current and not deleted, from an offset on, in the order of offsets. */
  open(snapshot: Snapshot, source: Source, from: number): Promise<SortedRows<Kept>>
  /**
   * Marks rows as deleted where they are still the ones that were seen, in the history too, so that current row and newest version
   * stay equal.
   *
   * Why it is right beside loads: the caller holds the partition's watermark, so no load or replay of it is under way. Loads of other
   * partitions that have one of these keys, and the pruning of the history, lock the current row before they change
   * anything of the key, and so does this: in the order of keys, as everywhere.
   *
   * @returns the rows as they were, for the rollups.
   */
  markDeleted(client: ClientBase, source: Source, rows: readonly Kept[]): Promise<readonly Fact[]>
}

export function compileSweep(stream: Definition & { readonly identity: AnyLatest }): SweepStatements {
  const { name, fields } = stream
  const { stored, derived } = storedColumns(stream)
  const all = [...stored, ...derived]
  const keyFields = identityFields(stream.identity)
  const key = pick(all, keyFields)
  const version = pick(all, versionFields(stream))
  const wire = wireOf(fields[keyFields[0]!]!)
  const nameOf = (row: Row) => key.map(({ field }) => String(row[field])).join('\0')
  const lock = `select t.source_offset as "offset", ${readAs(all, 't')}
    from warehouse.${name} t join unnest($3::int8[], ${arrays(key, 4)}) as f (source_offset, ${key.map((one) => one.name).join(', ')})
      on ${sameKey(key, 't', 'f')} and t.source_offset = f.source_offset
    where t.source_partition = $1 and t.incarnation = $2 and t.${DELETED_AT} is null
    order by ${key.map((one) => `t.${one.name}`).join(', ')} for update of t`
  // The version of each key is the one that is locked: the history has it once.
  const mark = (table: string) =>
    `update warehouse.${table} t set ${DELETED_AT} = now()
     from unnest(${arrays([...key, ...version], 1)}) as f (${[...key, ...version].map((one) => one.name).join(', ')})
     where ${sameKey([...key, ...version], 't', 'f')} and t.${DELETED_AT} is null`

  return {
    keyOf: (record) => {
      const text = record.key !== null && isUtf8(record.key) ? record.key.toString() : undefined
      const { success, data } = wire.safeParse(text)
      return success ? String(data) : undefined
    },
    nameOf,
    open: (snapshot, { sourcePartition, incarnation }, from) =>
      SortedRows.open<Kept>(
        snapshot,
        `current_of_${sourcePartition}`,
        `select t.source_offset as "offset", ${readAs(key, 't')} from warehouse.${name} t
         where t.source_partition = $1 and t.incarnation = $2 and t.${DELETED_AT} is null and t.source_offset >= $3
         order by t.source_offset`,
        [sourcePartition, incarnation, from],
      ),
    markDeleted: async (client, { sourcePartition, incarnation }, rows) => {
      const sought = rows.map((row) => ({ row }))
      const { rows: locked } = await client.query<Kept>(lock, [
        sourcePartition,
        incarnation,
        rows.map(({ offset }) => offset),
        ...encoded(key, sought),
      ])
      const facts = locked.map((row) => ({ identity: nameOf(row), offset: row.offset, row }))
      for (const table of [countedTable(stream), name]) {
        const { rowCount } = await client.query(mark(table), encoded([...key, ...version], facts))
        if (rowCount !== facts.length)
          throw new Error(`of ${facts.length} versions that were deleted ${table} has ${rowCount}`)
      }
      return facts
    },
  }
}
