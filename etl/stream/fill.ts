import type { ClientBase } from 'pg'
import { arrays, encoded, names, pick, readAs, sameKey, values, type Column } from './columns.ts'
import { identityFields } from './define.ts'
import type { Definition } from './definition.ts'
import { compileUpdate, offsetsOf, type Source } from './facts.ts'
import type { Row } from './field.ts'
import { isForgotten } from './forgotten.ts'
import { countedTable, isEach, isLatest, storedColumns } from './stored.ts'
import type { Fact } from './types.ts'

/** A fact as it is stored: its fields, and what is derived of it. */
export interface StoredFact {
  readonly row: Row
  readonly isForgotten: boolean
}

/**
 * The statements that give facts from before a field was declared its value. The caller has the lock of the partition's
 * progress row, as whoever else changes a fact of this partition has: replays, and who forgets records.
 */
export interface FillStatements {
  /** What is stored of facts whose source is the very record, by offset. */
  find(client: ClientBase, facts: readonly Fact[], source: Source): Promise<Map<number, StoredFact>>
  /** @throws unless each of these is there and has nothing in the field. */
  update(client: ClientBase, facts: readonly Fact[], source: Source): Promise<void>
  /** The same of current rows that `lockCurrent` has locked. */
  updateCurrent(client: ClientBase, versions: readonly Fact[]): Promise<void>
}

export function compileFill(stream: Definition, field: string): FillStatements {
  const { name } = stream
  const { stored, derived, key } = storedColumns(stream)
  const table = countedTable(stream)
  const [column] = pick(stored, [field]) as [Column]
  const inKey = isEach(stream)
    ? ' and t.source_partition = $1 and t.incarnation = $2 and t.source_offset = f.source_offset'
    : ''
  // OFFSET 0: a look-up by key for each fact, as in findDerivations.
  const find = {
    name: `${name}: find to fill`,
    text: `select f.source_offset as "offset", ${isForgotten(stream, 't')} as "isForgotten", ${readAs([...stored, ...derived], 't')}
           from unnest($3::int8[], ${arrays(key, 4)}) as f (source_offset, ${names(key)})
           cross join lateral (select * from warehouse.${table} t where ${sameKey(key, 't', 'f')}${inKey} offset 0) t
           where t.source_partition = $1 and t.incarnation = $2 and t.source_offset = f.source_offset`,
  }
  const ofKey = isLatest(stream) ? pick(stored, identityFields(stream.identity)) : []
  const current = {
    name: `${name}: fill current ${field}`,
    text: `update warehouse.${name} t set ${column.name} = ${values([column], 'f')}
           from unnest(${arrays([...ofKey, column], 1)}) as f (${names([...ofKey, column])})
           where ${sameKey(ofKey, 't', 'f')} and t.${column.name} is null`,
  }
  return {
    find: async (client, facts, { sourcePartition, incarnation }) => {
      const { rows } = await client.query<Row & { offset: number; isForgotten: boolean }>({
        ...find,
        values: [sourcePartition, incarnation, offsetsOf(facts), ...encoded(key, facts)],
      })
      return new Map(
        rows.map(({ offset, isForgotten: gone, ...row }) => [offset, { row, isForgotten: gone }]),
      )
    },
    // The condition holds of each: who sends it has seen it under the partition's lock. It is the last guard of a value.
    update: compileUpdate(stream, [column], `t.${column.name} is null`),
    updateCurrent: async (client, versions) => {
      const { rowCount } = await client.query({ ...current, values: encoded([...ofKey, column], versions) })
      if (rowCount !== versions.length)
        throw new Error(`of ${versions.length} current rows of ${name} ${rowCount} were filled`)
    },
  }
}
