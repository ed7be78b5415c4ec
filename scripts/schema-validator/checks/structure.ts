import { count } from '../../../etl/text/wording.ts'
import type { Catalogue, Column, Constraint, ForeignKey, Index, Parts, Table } from '../catalogue.ts'
import { failure, list, ok, okIf, orOk, section, warning, type Finding, type Section } from '../report.ts'

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
    ...orOk(primaryKeys, 'primary-key', 'Every table has a primary key'),
    ok('foreign-keys', keyCount > 0 ? `${count(keyCount, 'foreign key')} found` : 'No foreign keys'),
    ...foreignKeys,
    ...orOk(columns, 'columns', `${count(columnCount, 'column')} with names and types`),
    ...orOk(ids, 'nullable-id', 'No *_id column is nullable'),
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

/** Found, valid, on columns that exist, and none for nothing. Partitions' indexes count, but are named only when broken. */
export function checkIndexes({ tables }: Catalogue): Section {
  if (tables.length === 0) return section('indexes', [])
  const all = tables.flatMap((table) => [table as Parts, ...table.partitions])
  const indexes = all.flatMap((parts) => parts.indexes)
  const broken = indexes.flatMap(checkState)
  const misplaced = indexes.flatMap(checkIndexColumns)
  const own = tables.reduce((sum, table) => sum + table.indexes.length, 0)
  const ofPartitions = indexes.length - own
  const found = ofPartitions > 0 ? `, and ${count(ofPartitions, 'index', 'indexes')} of their partitions` : ''
  return section('indexes', [
    ok('indexes', own > 0 ? `${count(own, 'index', 'indexes')} of tables${found}` : 'No indexes'),
    ...orOk(broken, 'index-validity', 'Every index is valid'),
    ...orOk(misplaced, 'index-columns', 'Every index is on existing columns'),
    ...all.flatMap(checkDuplicates),
  ])
}

function checkState({ label, live, valid, ready, partitioned }: Index): Finding[] {
  if (!live) return [warning('index-validity', label, 'is being dropped, or a drop was interrupted')]
  if (valid && ready) return []
  const why = partitioned
    ? 'invalid: not every partition has its part'
    : `${ready ? 'invalid' : 'not ready'}: it is being built, or building it failed`
  return [failure('index-validity', label, why)]
}

function checkIndexColumns({ label, missingColumns }: Index): Finding[] {
  if (missingColumns === 0) return []
  return [
    failure('index-columns', label, `on ${count(missingColumns, 'column')} that the table does not have`),
  ]
}

/** Those of partitions repeat their parents', who have the finding already. */
function checkDuplicates({ relation, indexes }: Parts): Finding[] {
  const usable = indexes.filter(({ valid, exclusion }) => valid && !exclusion)
  return [...Map.groupBy(usable, ({ definition }) => definition).values()]
    .filter((group) => group.length > 1 && !group.every(({ attached }) => attached))
    .map((group) =>
      warning(
        'duplicate-index',
        relation.label,
        `indexes with the same definition: ${list(group.map(({ label }) => label))}`,
      ),
    )
}

/** How many there are of each kind, and which of them do not bind. */
export function checkConstraints({ tables }: Catalogue): Section {
  if (tables.length === 0) return section('constraints', [])
  const weak = tables.flatMap(checkEnforced)
  return section('constraints', [
    ok('constraints', describeTotals(tables)),
    ...orOk(weak, 'enforced', 'Every constraint is validated and enforced'),
    ...describeDeferrable(tables),
  ])
}

/** What guarantees uniqueness beside the primary key, be it called constraint or index. */
export const countUnique = ({ indexes }: Table): number =>
  indexes.filter(({ unique, primary }) => unique && !primary).length

export const countNotNull = ({ columns }: Table): number => columns.filter(({ nullable }) => !nullable).length

export const countKind = ({ constraints }: Table, wanted: Constraint['kind']): number =>
  constraints.filter(({ kind }) => kind === wanted).length

function describeTotals(tables: Table[]): string {
  const total = (of: (table: Table) => number) => tables.reduce((sum, table) => sum + of(table), 0)
  const ofKind = (kind: Constraint['kind']) => total((table) => countKind(table, kind))
  const foreignKeys = total((table) => table.foreignKeys.length)
  const exclusions = ofKind('exclusion')
  return [
    count(ofKind('primary key'), 'primary key'),
    `${total(countUnique)} unique`,
    `${total(countNotNull)} not null`,
    count(ofKind('check'), 'check'),
    count(foreignKeys, 'foreign key'),
    ...(exclusions > 0 ? [count(exclusions, 'exclusion')] : []),
  ].join(', ')
}

/** A constraint that was never checked, or that something may go round, is a promise nobody keeps. */
function checkEnforced(table: Table): Finding[] {
  return [table, ...table.partitions].flatMap(({ relation, constraints, foreignKeys }) => {
    const find = (check: string, name: string, message: string) =>
      warning(check, `${relation.label} ${name}`, message)
    const own = [...constraints, ...foreignKeys].filter(
      ({ inherited }) => !inherited || relation.root === null,
    )
    return [
      ...own
        .filter(({ enforced }) => !enforced)
        .map(({ label }) => find('not-enforced', label, 'NOT ENFORCED: rows that break it are let in')),
      ...own
        .filter(({ validated, enforced }) => enforced && !validated)
        .map(({ label }) => find('not-valid', label, 'NOT VALID: rows from before it were never checked')),
      ...foreignKeys
        .filter(({ disabledTriggers }) => disabledTriggers > 0)
        .map(({ label }) =>
          find('disabled-triggers', label, 'its triggers are disabled: orphans are let in'),
        ),
    ]
  })
}

function describeDeferrable(tables: Table[]): Finding[] {
  const deferrable = tables.flatMap(({ relation, constraints, foreignKeys }) =>
    [...constraints, ...foreignKeys]
      .filter((constraint) => constraint.deferrable)
      .map(({ label }) => `${relation.label} ${label}`),
  )
  return okIf(deferrable.length > 0, 'deferrable', `${deferrable.length} deferrable: ${list(deferrable)}`)
}
