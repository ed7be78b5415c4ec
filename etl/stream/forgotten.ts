import type { Column } from './columns.ts'
import type { Definition } from './definition.ts'
import type { Row } from './field.ts'

/**
 * Facts and versions whose personal values were overwritten are on record in audit.forgotten by where they came from,
 * with the columns that were. What stands in these says nothing about the record any more.
 */

/** Of a row as it is read: the columns that were forgotten, or null. No field has a capital. */
const FORGOTTEN = 'forgottenColumns'

const ofRow = ({ name }: Pick<Definition, 'name'>, table: string): string =>
  `from audit.forgotten g where g.stream = '${name}' and g.source_partition = ${table}.source_partition
     and g.incarnation = ${table}.incarnation and g.source_offset = ${table}.source_offset`

/** SQL for whether a row of what is counted was forgotten. */
export const isForgotten = (stream: Pick<Definition, 'name'>, table: string): string =>
  `exists (select ${ofRow(stream, table)})`

/** To select beside the columns of a row, for `asKnown`. */
export const forgottenColumns = (stream: Pick<Definition, 'name'>, table: string): string =>
  `(select g.columns ${ofRow(stream, table)}) as "${FORGOTTEN}"`

/** The same of a row that is selected with it from a subquery. */
export const selectedForgotten = (table: string): string => `${table}."${FORGOTTEN}"`

/** Whether a row that was read with `forgottenColumns` was forgotten. */
export const wasForgotten = (row: Row): boolean => Array.isArray(row[FORGOTTEN])

/**
 * A row without what was forgotten of it: what isn't there isn't compared, so that the same record is still the same.
 * An amount goes with its currency.
 */
export function asKnown<Stored extends Row>(columns: readonly Column[], row: Stored): Stored {
  const forgotten = row[FORGOTTEN]
  if (!Array.isArray(forgotten)) return row
  const gone = new Set(columns.filter(({ name }) => forgotten.includes(name)).map(({ field }) => field))
  const known = columns.filter(({ field, kind }) => !gone.has(field) && !gone.has(kind.of ?? ''))
  const unknown = new Set(columns.filter((column) => !known.includes(column)).map(({ field }) => field))
  return Object.fromEntries(Object.entries(row).filter(([field]) => !unknown.has(field))) as Stored
}
