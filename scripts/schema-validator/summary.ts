import type { Catalogue, Table } from './catalogue.ts'
import { countKind, countNotNull, countUnique } from './checks/constraints.ts'
import type { Probes } from './probe-tables.ts'
import type { DatabaseSummary, TableSummary } from './report.ts'
import { count } from './wording.ts'

export function summariseDatabase({ server, schemas }: Catalogue): DatabaseSummary {
  return { database: server.database, role: server.role, serverVersion: server.version, schemas }
}

/** One line's worth of facts for each table. */
export function summariseTables(probes: Probes): TableSummary[] {
  return probes.tables.map(({ table, rows }) => ({
    table: table.relation.label,
    columns: table.columns.map(({ name, type, nullable }) => ({ name, type, nullable })),
    primaryKey: table.indexes.find(({ primary }) => primary)?.columns ?? null,
    foreignKeys: table.foreignKeys.map(({ name, columns, parentLabel }) => ({
      name,
      columns: columns.map(({ child }) => child),
      references: parentLabel,
      referencedColumns: columns.map(({ parent }) => parent),
    })),
    unique: countUnique(table),
    notNull: countNotNull(table),
    checks: countKind(table, 'check'),
    exclusions: countKind(table, 'exclusion'),
    indexes: table.indexes.length,
    partitions: table.relation.kind === 'partitioned table' ? countPartitions(table) : null,
    rowCount: rows.ok ? rows.value : null,
    notes: notesOf(table),
  }))
}

/** Those that hold rows; one that is itself partitioned does not. */
const countPartitions = ({ partitions }: Table): number =>
  partitions.filter(({ relation }) => relation.kind !== 'partitioned table').length

function notesOf(table: Table): string[] {
  const { kind, unlogged, parents } = table.relation
  const elsewhere = table.partitions.filter(({ relation }) => relation.kind === 'foreign table').length
  return [
    ...(kind === 'partitioned table' ? [count(countPartitions(table), 'partition')] : []),
    ...(elsewhere > 0 ? [`${elsewhere} of them foreign`] : []),
    ...(unlogged ? ['unlogged'] : []),
    ...(parents === null ? [] : [`inherits ${parents}`]),
  ]
}
