import { escapeIdentifier as quote } from 'pg'
import type { Column, ForeignKey, ForeignKeyColumn, Relation } from './catalogue.ts'

/**
 * The statements that touch the user's tables: none writes, and each is bounded in the rows that it
 * reads. `ONLY` everywhere but on a partitioned table: a table that others inherit from answers for
 * its own rows, which is also how Postgres reads its foreign keys.
 */

const from = (schema: string, name: string, partitioned: boolean): string =>
  `${partitioned ? '' : 'ONLY '}${quote(schema)}.${quote(name)}`

const fromRelation = ({ schema, name, kind }: Relation): string =>
  from(schema, name, kind === 'partitioned table')

/** Counts no further than the limit. Asks for every column, so that it needs the privilege on each. */
export const countRows = (relation: Relation, limit: number): string =>
  `SELECT count(*)::int AS rows FROM (SELECT t.* FROM ${fromRelation(relation)} t LIMIT ${limit}) counted`

/** The planner's estimate: from the last ANALYZE and the size of today, or from the size alone. */
export const estimateRows = (relation: Relation): string =>
  `EXPLAIN (FORMAT JSON) SELECT FROM ${fromRelation(relation)}`

/** Starts the view's query and ends it before the first row. */
export const openView = ({ schema, name }: Relation): string =>
  `SELECT * FROM ${quote(schema)}.${quote(name)} LIMIT 0`

/** Prepares an INSERT of every column that a client may give, and forgets it again. */
export function prepareInsert({ schema, name }: Relation, columns: Column[]): string {
  const given = columns.filter(({ serverSets }) => !serverSets)
  const target = `${quote(schema)}.${quote(name)}`
  const insert =
    given.length === 0
      ? `INSERT INTO ${target} DEFAULT VALUES`
      : `INSERT INTO ${target} (${given.map((column) => quote(column.name)).join(', ')})
         VALUES (${given.map((_, index) => `$${index + 1}`).join(', ')})`
  return `PREPARE schema_validator_insert AS ${insert}; DEALLOCATE schema_validator_insert`
}

/** How much of a table is looked at: all of it, or so many rows of a sample of so many percent. */
export type Extent = { limit: number; percent: number } | 'all'

/**
 * Counts the rows that refer to something, and of these the ones whose parent is not there. The join
 * and the treatment of nulls are those of Postgres's own check (RI_Initial_Check): under MATCH SIMPLE
 * one null makes a row refer to nothing, under MATCH FULL only nulls everywhere do, and a row with
 * some of them has no parent.
 */
export function countOrphans(child: Relation, key: ForeignKey, extent: Extent): string {
  const columns = [...new Set(key.columns.map(({ child: name }) => quote(name)))].join(', ')
  const table = `${fromRelation(child)} c${extent === 'all' ? '' : ` TABLESAMPLE SYSTEM (${extent.percent})`}`
  const limit = extent === 'all' ? '' : ` LIMIT ${extent.limit}`
  return `SELECT count(*)::int AS checked, count(*) FILTER (WHERE ${isOrphan(key)})::int AS orphans
          FROM (SELECT ${columns} FROM ${table} WHERE ${refers(key, 'c')}${limit}) fk
          LEFT JOIN ${joinParent(key)}`
}

/** For the operator: the rows that countOrphans counts. */
export const selectOrphans = (child: Relation, key: ForeignKey): string =>
  `SELECT fk.* FROM ${fromRelation(child)} fk LEFT JOIN ${joinParent(key)}` +
  ` WHERE ${isOrphan(key)} AND ${refers(key, 'fk')}`

function joinParent(key: ForeignKey): string {
  const parent = from(key.parentSchema, key.parentName, key.parentPartitioned)
  return `${parent} pk ON ${key.columns.map(equals).join(' AND ')}`
}

function equals({ parent, child, operator, collation }: ForeignKeyColumn): string {
  const collated = collation === null ? '' : ` COLLATE ${collation}`
  const compare = operator === 'pg_catalog.=' ? '=' : `OPERATOR(${operator})`
  return `pk.${quote(parent)}${collated} ${compare} fk.${quote(child)}`
}

const isOrphan = ({ columns }: ForeignKey): string => `pk.${quote(columns[0]!.parent)} IS NULL`

const refers = ({ columns, matchFull }: ForeignKey, table: string): string =>
  `(${columns.map(({ child }) => `${table}.${quote(child)} IS NOT NULL`).join(matchFull ? ' OR ' : ' AND ')})`
