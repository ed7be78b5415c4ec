import { count } from '../../etl/text/wording.ts'
import type { ClientBase } from 'pg'
import { readCatalogue, type Table } from './catalogue.ts'
import { checkCompleteness, checkConnectivity } from './checks/completeness.ts'
import {
  checkStructure,
  checkIndexes,
  checkConstraints,
  countKind,
  countNotNull,
  countUnique,
} from './checks/structure.ts'
import { checkIntegrity } from './checks/integrity.ts'
import { readingCatalogue, probeTables, type Limits, type Probes } from './probe.ts'
import { assembleReport, type SchemaReport, type TableSummary } from './report.ts'

export interface ValidationOptions extends Partial<Limits> {
  /** Default: all but information_schema and those whose name begins with pg_. */
  schemas?: string[]
  /** That the client is in the caller's transaction, or that it is not. Default: whichever it is. */
  inTransaction?: boolean
  /** Above this many rows a table is estimated and sampled; at least 1. Default 100,000. */
  exactCountLimit?: number
}

/**
 * Validates the schema that this client sees. It writes nothing. Inside the caller's transaction it
 * sees what that has changed so far, and leaves it open, not aborted, with the settings and the locks
 * it had; otherwise it works in a read-only transaction of its own.
 *
 * @throws on a lost connection, and if the client's transaction has failed or is not what
 * `inTransaction` says. What is wrong with the schema is in the report.
 */
export async function validateSchema(
  client: ClientBase,
  options: ValidationOptions = {},
): Promise<SchemaReport> {
  // A statement that failed rejects before the server says what became of the transaction.
  await client.query('')
  const status = client.getTransactionStatus()
  if (status === 'E') throw new Error('A schema cannot be validated in a transaction that has failed.')
  const open = status === 'T'
  const { inTransaction = open } = options
  if (inTransaction !== open) throw new Error(`The client is ${open ? '' : 'not '}in a transaction.`)
  if (open) return validate(client, options)
  await client.query('BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED READ ONLY')
  try {
    return await validate(client, options)
  } finally {
    await client.query('ROLLBACK')
  }
}

async function validate(client: ClientBase, options: ValidationOptions): Promise<SchemaReport> {
  const {
    schemas = null,
    exactCountLimit = 100_000,
    statementTimeoutMs = 10_000,
    lockTimeoutMs = 3_000,
  } = options
  const limits = { statementTimeoutMs, lockTimeoutMs }
  const catalogue = await readingCatalogue(client, limits, () => readCatalogue(client, schemas))
  const { database, role, version: serverVersion } = catalogue.server
  const probes = await probeTables(client, catalogue, limits, exactCountLimit)
  return assembleReport(
    { database, role, serverVersion, schemas: catalogue.schemas },
    [
      checkConnectivity(catalogue),
      checkCompleteness(catalogue),
      checkStructure(catalogue),
      checkIndexes(catalogue),
      checkConstraints(catalogue),
      checkIntegrity(catalogue, probes),
    ],
    summariseTables(probes),
  )
}

/** One line's worth of facts for each table. */
function summariseTables(probes: Probes): TableSummary[] {
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
