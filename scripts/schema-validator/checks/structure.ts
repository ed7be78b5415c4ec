import type { Catalogue, Column, ForeignKey, Parts, Table } from '../catalogue.ts'
import { failure, ok, section, warning, type Finding, type Section } from '../report.ts'
import { count, list } from '../wording.ts'

/** Keys and columns. */
export function checkStructure({ tables }: Catalogue): Section {
  if (tables.length === 0) return section('structure', [])
  const primaryKeys = tables.flatMap(checkPrimaryKey)
  const columns = tables.flatMap(checkColumns)
  const ids = tables.flatMap(checkIds)
  const foreignKeys = tables.flatMap(({ relation, foreignKeys: keys }) =>
    keys.flatMap((key) => checkTypes(relation.label, key)),
  )
  const columnCount = tables.reduce((sum, table) => sum + table.columns.length, 0)
  const keyCount = tables.reduce((sum, table) => sum + table.foreignKeys.length, 0)
  return section('structure', [
    ...(primaryKeys.length > 0 ? primaryKeys : [ok('primary-key', 'Every table has a primary key')]),
    keyCount > 0
      ? ok('foreign-keys', `${count(keyCount, 'foreign key')} found`)
      : ok('foreign-keys', 'No foreign keys'),
    ...foreignKeys,
    ...(columns.length > 0
      ? columns
      : [ok('columns', `${count(columnCount, 'column')} with names and types`)]),
    ...(ids.length > 0 ? ids : [ok('nullable-id', 'No *_id column is nullable')]),
  ])
}

function checkPrimaryKey(table: Table): Finding[] {
  const { label } = table.relation
  const local = table.partitions.filter(
    ({ relation }) => relation.kind === 'table' || relation.kind === 'partitioned table',
  )
  const without = local.filter((partition) => !hasPrimaryKey(partition))
  if (hasPrimaryKey(table)) {
    if (without.length === 0) return []
    const names = list(without.map(({ relation }) => relation.label))
    const where = `${without.length} of ${count(local.length, 'partition')}`
    return [failure('primary-key', label, `no primary key on ${where}: ${names}`)]
  }
  if (local.length > 0 && without.length === 0) {
    const message = 'the primary key is only on its partitions, so it is not unique across them'
    return [warning('primary-key', label, message)]
  }
  return [failure('primary-key', label, 'no primary key')]
}

const hasPrimaryKey = ({ indexes }: Parts): boolean => indexes.some(({ primary }) => primary)

/** A name that reads like another one, or a type that is not there, is a mistake in waiting. */
function checkColumns({ relation, columns }: Table): Finding[] {
  const untyped = columns.filter(({ typeDefined }) => typeDefined !== true)
  const alike = [...Map.groupBy(columns, ({ name }) => name.trim().toLowerCase()).values()].filter(
    (group) => group.length > 1,
  )
  const padded = columns.filter(({ name }) => name !== name.trim())
  return [
    ...untyped.map(({ label }) =>
      failure('column-types', `${relation.label}.${label}`, 'its type is not defined'),
    ),
    ...alike.map((group) =>
      warning('column-names', relation.label, `names that look alike: ${names(group)}`),
    ),
    ...padded.map(({ label }) =>
      warning('column-names', relation.label, `a name that begins or ends with a space: ${label}`),
    ),
  ]
}

const names = (columns: Column[]): string => list(columns.map(({ label }) => label))

function checkIds({ relation, columns }: Table): Finding[] {
  const nullable = columns.filter((column) => column.nullable && /_id$/i.test(column.name))
  return nullable.length > 0 ? [warning('nullable-id', relation.label, `nullable ${names(nullable)}`)] : []
}

function checkTypes(table: string, { label, columns }: ForeignKey): Finding[] {
  return columns
    .filter(({ childType, parentType }) => childType !== parentType)
    .map(({ child, parent, childType, parentType }) =>
      warning(
        'foreign-key-types',
        `${table} ${label}`,
        `${child} is ${childType} and refers to ${parent}, which is ${parentType}`,
      ),
    )
}
