import type { ClientBase } from 'pg'
import {
  COLUMNS,
  CONSTRAINTS,
  FOREIGN_KEYS,
  INDEXES,
  RELATIONS,
  SCHEMAS,
  SERVER,
  TEMPORARY,
} from './catalogue-sql.ts'

/** A table, partition or view. `label` is its name quoted as in SQL, here and below. */
export interface Relation {
  oid: number
  schema: string
  name: string
  label: string
  kind: 'table' | 'partitioned table' | 'foreign table' | 'view' | 'materialized view'
  /** Of a partition: the table at the root of its tree. */
  root: number | null
  /** False for a partition in a wanted schema whose root is in another one. */
  selected: boolean
  unlogged: boolean
  /** False for a materialized view that was never filled. */
  populated: boolean
  neverAnalysed: boolean
  /** Row security applies to the role that asks. */
  rowsHidden: boolean
  mayInsert: boolean
  /** Belongs to an extension. */
  extension: boolean
  /** What it inherits from or is a partition of. */
  parents: string | null
}

export interface Column {
  name: string
  label: string
  type: string
  typeDefined: boolean | null
  nullable: boolean
  /** The server alone gives its value: a generated column, or an identity that is always generated. */
  serverSets: boolean
}

export interface Index {
  label: string
  valid: boolean
  ready: boolean
  /** False while it is being dropped. */
  live: boolean
  unique: boolean
  primary: boolean
  exclusion: boolean
  /** A partition's part of its parent's index. */
  attached: boolean
  /** Has no storage of its own, only that of its parts. */
  partitioned: boolean
  missingColumns: number
  columns: string[]
  definition: string
}

export interface Constraint {
  label: string
  kind: 'primary key' | 'unique' | 'check' | 'exclusion' | 'not null'
  validated: boolean
  enforced: boolean
  deferrable: boolean
  inherited: boolean
}

export interface ForeignKey {
  name: string
  label: string
  inherited: boolean
  matchFull: boolean
  validated: boolean
  enforced: boolean
  deferrable: boolean
  temporal: boolean
  disabledTriggers: number
  parentSchema: string
  parentName: string
  parentLabel: string
  parentPartitioned: boolean
  parentRowsHidden: boolean
  columns: ForeignKeyColumn[]
}

export interface ForeignKeyColumn {
  child: string
  parent: string
  childType: string
  parentType: string
  /** Schema and operator, such as `pg_catalog.=`. */
  operator: string
  /** The parent column's collation, where the two differ. */
  collation: string | null
}

/** What belongs to a table or to one of its partitions. */
export interface Parts {
  relation: Relation
  indexes: Index[]
  constraints: Constraint[]
  foreignKeys: ForeignKey[]
}

export interface Table extends Parts {
  columns: Column[]
  /** Every relation below it in its partition tree. */
  partitions: Parts[]
}

export interface Catalogue {
  server: { database: string; role: string; version: string; standby: boolean }
  schemas: string[]
  missingSchemas: string[]
  tables: Table[]
  views: Relation[]
  foreignTables: Relation[]
  /** Tables and views that an extension brought along: its author answers for them. */
  ofExtensions: Relation[]
  /** Partitions whose root is outside the wanted schemas. */
  ofOtherSchemas: Relation[]
  temporaryTables: number
}

/** Reads what there is, in a fixed number of statements however many tables there are. */
export async function readCatalogue(client: ClientBase, wanted: string[] | null): Promise<Catalogue> {
  const rowsOf = async <R extends object>(sql: string, ...values: unknown[]): Promise<R[]> =>
    (await client.query<R>(sql, values)).rows

  const [server] = await rowsOf<Catalogue['server']>(SERVER)
  const [temporary] = await rowsOf<{ count: number }>(TEMPORARY)
  const schemas = (await rowsOf<{ name: string }>(SCHEMAS, wanted)).map(({ name }) => name)
  const relations = await rowsOf<Relation>(RELATIONS, schemas)

  const own = relations.filter(({ extension, selected }) => !extension && selected)
  const stored = own.filter(({ kind, root }) => kind.endsWith('table') && (kind !== 'foreign table' || root))
  const roots = stored.filter(({ root }) => root === null)
  const byTable = async <R extends object>(sql: string, tables: Relation[]): Promise<Map<number, R[]>> => {
    const oids = tables.map(({ oid }) => oid)
    return Map.groupBy(await rowsOf<R & { table: number }>(sql, oids), ({ table }) => table)
  }
  const columns = await byTable<Column>(COLUMNS, roots)
  const indexes = await byTable<Index>(INDEXES, stored)
  const constraints = await byTable<Constraint>(CONSTRAINTS, stored)
  const foreignKeys = await byTable<ForeignKey>(FOREIGN_KEYS, stored)

  const partsOf = (relation: Relation): Parts => ({
    relation,
    indexes: indexes.get(relation.oid) ?? [],
    constraints: constraints.get(relation.oid) ?? [],
    foreignKeys: foreignKeys.get(relation.oid) ?? [],
  })
  const partitions = Map.groupBy(stored, ({ root }) => root)
  return {
    server: server!,
    schemas,
    missingSchemas: (wanted ?? []).filter((name) => !schemas.includes(name)),
    tables: roots.map((relation) => ({
      ...partsOf(relation),
      columns: columns.get(relation.oid) ?? [],
      partitions: (partitions.get(relation.oid) ?? []).map(partsOf),
    })),
    views: own.filter(({ kind }) => kind.endsWith('view')),
    foreignTables: own.filter(({ kind, root }) => kind === 'foreign table' && root === null),
    ofExtensions: relations.filter(({ extension, selected }) => extension && selected),
    ofOtherSchemas: relations.filter(({ selected }) => !selected),
    temporaryTables: temporary!.count,
  }
}
