import type { ClientBase } from 'pg'
import { arrays, differing, encoded, names, readAs, sameKey, values, type Column } from './columns.ts'
import type { Definition } from './definition.ts'
import type { Row } from './field.ts'
import { isForgotten } from './forgotten.ts'
import { countedTable, isEach, isLatest, namesBatch, storedColumns } from './stored.ts'
import { int8s } from '../postgres/binary-arrays.ts'
import type { Fact } from './types.ts'

/** Where the facts of a batch came from; stored with each, as its lineage. */
export interface Origin {
  readonly batchId: string
  readonly sourcePartition: number
  readonly incarnation: number
}

/** What a stored fact holds of what is derived. */
export interface StoredDerivation {
  readonly offset: number
  /** Whether its contract values are those of the record. */
  readonly sameValues: boolean
  /** Whether its personal values were overwritten: a record says of it what it must no longer say. */
  readonly isForgotten: boolean
  readonly derived: Row
}

/** The statements about the rows that are counted: a stream's facts, or the history of its versions. */
export interface FactStatements {
  /**
   * @returns how many: where the facts' primary key is what claims an identity, those whose key is there already
   *   are left out.
   */
  insert(client: ClientBase, facts: readonly Fact[], origin: Origin): Promise<number>
  /**
   * The stored facts among these whose source is the very record: an identity's other records, and facts whose
   * month was dropped, are not found.
   *
   * Without a lock on the rows: only a replay updates facts, and it holds the lock of the partition's
   * progress row, so nobody else changes these until it ends. A month can't be dropped meanwhile: that needs
   * its table alone, which this statement shares until the transaction ends.
   */
  findDerivations(
    client: ClientBase,
    facts: readonly Fact[],
    source: Source,
  ): Promise<Map<number, StoredDerivation>>
  /**
   * Stores what was derived anew of facts that findDerivations has found in this transaction: no two of them
   * have a key in common, and all are there.
   */
  updateDerivations(client: ClientBase, facts: readonly Fact[], source: Source): Promise<void>
}

export type Source = Pick<Origin, 'sourcePartition' | 'incarnation'>

export function compileFacts(stream: Definition): FactStatements {
  const { name } = stream
  const table = countedTable(stream)
  const { stored: contract, derived: ofDerived, key } = storedColumns(stream)
  const all = [...contract, ...ofDerived]
  // The record's column has no more than their number.
  const lines = contract.filter(({ kind }) => kind.lines !== undefined)
  const keyEquals = sameKey(key, 't', 'f')
  const batch = namesBatch(stream) ? ['batch_id'] : []
  const first = 3 + batch.length

  const insert = {
    name: `${name}: insert facts`,
    text: `insert into warehouse.${table} (source_partition, incarnation, ${batch.map((one) => `${one}, `).join('')}source_offset, ${names(all)})
           select $1, $2, ${batch.map(() => '$3, ').join('')}f.source_offset, ${values(all, 'f')}
           from unnest($${first}::int8[], ${arrays(all, first + 1)}) as f (source_offset, ${names(all)})
           ${stream.identity.scope === 'warehouse' || isEach(stream) ? '' : 'on conflict do nothing'}`,
  }
  const inKey = isEach(stream)
    ? ' and t.source_partition = $1 and t.incarnation = $2 and t.source_offset = f.source_offset'
    : ''
  // OFFSET 0 makes it a look-up by key for each fact, whatever the statistics say: where they are older than
  // the facts, the planner believes in a handful of rows and compares each with each.
  const find = {
    name: `${name}: find derivations`,
    text: `select f.source_offset as "offset", ${readAs([...ofDerived, ...lines], 't')}${ofDerived.length + lines.length === 0 ? '' : ', '}
                  row(${names(contract, 't')}) is not distinct from row(${values(contract, 'f')}) as "sameValues",
                  ${isForgotten(stream, 't')} as "isForgotten"
           from unnest($3::int8[], ${arrays(contract, 4)}) as f (source_offset, ${names(contract)})
           cross join lateral (select * from warehouse.${table} t where ${keyEquals}${inKey} offset 0) t
           where t.source_partition = $1 and t.incarnation = $2 and t.source_offset = f.source_offset`,
  }

  return {
    insert: async (client, facts, { sourcePartition, incarnation, batchId }) => {
      const { rowCount } = await client.query({
        ...insert,
        values: [
          sourcePartition,
          incarnation,
          ...batch.map(() => batchId),
          offsetsOf(facts),
          ...encoded(all, facts),
        ],
      })
      return rowCount ?? 0
    },
    findDerivations: async (client, facts, { sourcePartition, incarnation }) => {
      const { rows } = await client.query<
        Row & { offset: number; sameValues: boolean; isForgotten: boolean }
      >({
        ...find,
        values: [sourcePartition, incarnation, offsetsOf(facts), ...encoded(contract, facts)],
      })
      const byOffset = lines.length === 0 ? undefined : new Map(facts.map((fact) => [fact.offset, fact.row]))
      return new Map(
        rows.map(({ offset, sameValues: sameColumns, isForgotten: gone, ...row }) => {
          const sameValues =
            sameColumns &&
            (byOffset === undefined || differing(lines, row, byOffset.get(offset)!).length === 0)
          return [offset, { offset, sameValues, isForgotten: gone, derived: row }]
        }),
      )
    },
    updateDerivations: compileUpdate(stream, ofDerived),
  }
}

/**
 * An update of these columns of facts that were found in this transaction: no two of them have a key in common.
 *
 * @param condition which of them, in SQL of a fact `t`.
 * @returns what throws unless all are there.
 */
export function compileUpdate(
  stream: Definition,
  columns: readonly Column[],
  condition = 'true',
): FactStatements['updateDerivations'] {
  const { key } = storedColumns(stream)
  const all = [...key, ...columns]
  const byOrigin = isEach(stream)
  // Planned anew each time (no name), with the month that they begin in as a constant, so that no older one is
  // locked: that would wait for the oldest where it is being dropped. Not with their own times, which would
  // look like a handful of rows where the facts are newer than the statistics. A history has no months.
  const since = isLatest(stream) ? '$1::timestamptz is not null' : `t.${key[0]!.name} >= $1`
  const unnested = [...(byOrigin ? ['$4::int8[]'] : []), arrays(all, byOrigin ? 5 : 2)]
  const text = `update warehouse.${countedTable(stream)} t set ${columns.map((column) => `${column.name} = ${values([column], 'f')}`).join(', ')}
           from unnest(${unnested.join(', ')}) as f (${byOrigin ? 'source_offset, ' : ''}${names(all)})
           where ${sameKey(key, 't', 'f')} and ${since}${byOrigin ? ` and (t.source_partition, t.incarnation, t.source_offset) = ($2::int4, $3::int4, f.source_offset)` : ''} and ${condition}`
  return async (client, facts, { sourcePartition, incarnation }) => {
    const { rowCount } = await client.query({
      text,
      values: [
        firstMonth(facts, stream.eventTime),
        ...(byOrigin ? [sourcePartition, incarnation, offsetsOf(facts)] : []),
        ...encoded(all, facts),
      ],
    })
    if (rowCount !== facts.length)
      throw new Error(`of ${facts.length} facts that were found only ${rowCount} were updated`)
  }
}

export const offsetsOf = (facts: readonly Fact[]): Buffer => int8s(facts.map(({ offset }) => offset))

/** When the month begins, in UTC, that the earliest of them is in. */
function firstMonth(facts: readonly Fact[], eventTime: string): Date {
  const earliest = facts.reduce((first, { row }) => Math.min(first, row[eventTime] as number), Infinity)
  const date = new Date(Math.floor(earliest / 1_000))
  return new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth()))
}
