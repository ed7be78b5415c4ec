import { columnsOf, lineKey, LOG_VERSION, pick, type Column } from './columns.ts'
import { identityFields } from './define.ts'
import type { AnyLatest, Definition } from './definition.ts'
import { columnName, type Fields, type Row } from './field.ts'
import { instant } from './words/times.ts'
import { int } from './words/values.ts'

/** What is stored of a stream's records, and where, as its identity wants it. */

/** Of a version that deletes its key: Kafka's time of its record. */
export const DELETED_AT = 'deleted_at'

/** Whether what counts are the newest versions. */
export const isLatest = (
  definition: Definition,
): definition is Definition & { readonly identity: AnyLatest } => definition.identity.latest !== undefined

/** Whether each record is a fact of its own. */
export const isEach = ({ identity }: Definition): boolean => identity.each !== undefined

/** Where a row came from. */
export const ORIGIN = ['source_partition', 'incarnation', 'source_offset']

/** Of a stream of single records: which dead letters were sent again and loaded. */
export const redrivenTable = ({ name }: Definition): string => `${name}_redriven`

/** The columns that name a row for people, and in order. */
export const namingColumns = ({ fields, identity }: Definition): readonly string[] =>
  identity.each === undefined ? identityFields(identity).map((field) => columnName(fields, field)) : ORIGIN

/** The table whose rows are what was loaded, one for each record: the facts, or the history of versions. */
export const countedTable = (definition: Definition): string =>
  isLatest(definition) ? `${definition.name}_history` : definition.name

/**
 * Whether each row has an id, the name of its batch and when it was loaded. A history does without, and facts whose
 * declaration says so: where a row came from says which batch it is of, by the ledger.
 */
export const namesBatch = (definition: Definition): boolean =>
  !isLatest(definition) && definition.lineage !== 'origin'

/** The fields of a message, and what the engine stores beside them of a version. */
export function storedFields(definition: Definition): Fields {
  if (!isLatest(definition)) return definition.fields
  return {
    ...definition.fields,
    ...(definition.identity.by === 'log' && Object.fromEntries(LOG_VERSION.map((field) => [field, int()]))),
    [DELETED_AT]: instant().optional(),
  }
}

/** The fields that say which of two versions of a key is newer, compared in their order; none of what happens once. */
export function versionFields({ identity }: Definition): readonly string[] {
  if (identity.latest === undefined) return []
  return identity.by === 'log' ? LOG_VERSION : [identity.by]
}

/** Of a current row: the newest version of its key that was pruned from the history. */
export const floorColumn = (versionColumn: string): string => `floor_${versionColumn}`

/** The fields of the primary key of what is counted, in its order; of single records with columns of their origin. */
export function countedKey(definition: Definition): readonly string[] {
  return isEach(definition) ? [definition.eventTime, ...ORIGIN] : lineKey(definition)
}

/** A stream's columns by what they are for. */
export interface StoredColumns {
  /** The fields of a message, and what is stored beside them of a version. */
  readonly stored: readonly Column[]
  readonly derived: readonly Column[]
  /** The primary key of what is counted, as far as it is of fields. */
  readonly key: readonly Column[]
}

export function storedColumns(definition: Definition): StoredColumns {
  const stored = columnsOf(definition, storedFields(definition))
  return {
    stored,
    derived: columnsOf(definition, definition.derived ?? {}),
    key: pick(stored, isEach(definition) ? [definition.eventTime] : countedKey(definition)),
  }
}

/** Whether a version deletes its key. */
export const isDeletion = (row: Row): boolean => typeof row[DELETED_AT] === 'number'

/** Less than 0 where the first version is the older one. */
export function compareVersions(version: readonly string[], one: Row, other: Row): number {
  for (const field of version) {
    const difference = (one[field] as number) - (other[field] as number)
    if (difference !== 0) return difference
  }
  return 0
}
