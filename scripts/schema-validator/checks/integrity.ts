import type { Catalogue } from '../catalogue.ts'
import { selectOrphans } from '../probe-sql.ts'
import { QUERY_CANCELED, type Probes } from '../probe.ts'
import { failure, list, okIf, section, warning, type Finding, type Section } from '../report.ts'
import { count, thousands } from '../../../etl/text/wording.ts'

/** What the tables themselves answered: they can be read and written to, and no key points to nothing. */
export function checkIntegrity(catalogue: Catalogue, probes: Probes): Section {
  if (catalogue.tables.length === 0) return section('referential integrity', [])
  return section('referential integrity', [
    ...checkQueryable(catalogue, probes),
    ...checkInserts(probes, catalogue.server.role),
    ...checkRowCounts(probes),
    ...probes.foreignKeys.flatMap(checkOrphans),
    ...sumUpOrphans(probes),
  ])
}

function checkQueryable({ views }: Catalogue, probes: Probes): Finding[] {
  const results = [
    ...probes.tables.map(({ table, rows }) => ({ label: table.relation.label, noun: 'table', result: rows })),
    ...probes.views.map(({ view, open }) => ({ label: view.label, noun: 'view', result: open })),
  ]
  const answered = results.filter(({ result }) => result.ok)
  const counts = ['table', 'view']
    .map((noun) => ({ noun, n: answered.filter((each) => each.noun === noun).length }))
    .filter(({ n }) => n > 0)
    .map(({ noun, n }) => count(n, noun))
  return [
    ...okIf(counts.length > 0, 'queryable', `${counts.join(' and ')} can be queried`),
    ...results.flatMap(({ label, result }) =>
      result.ok ? [] : [failure('queryable', label, `can't be queried: ${result.reason}`)],
    ),
    ...views
      .filter(({ populated }) => !populated)
      .map(({ label }) => warning('queryable', label, "can't be queried before its first REFRESH")),
  ]
}

function checkInserts({ tables }: Probes, role: string): Finding[] {
  const prepared = tables.filter(({ insert }) => insert.ok)
  const barred = prepared.filter(({ table }) => !table.relation.mayInsert).length
  const but = barred === 0 ? '' : `; ${role} itself may not insert into ${barred} of them`
  return [
    ...okIf(
      prepared.length > 0,
      'inserts',
      `INSERT prepared, not run, for ${count(prepared.length, 'table')}${but}`,
    ),
    ...tables.flatMap(({ table, insert }) =>
      insert.ok
        ? []
        : [failure('inserts', table.relation.label, `an INSERT can't be prepared: ${insert.reason}`)],
    ),
  ]
}

function checkRowCounts({ tables }: Probes): Finding[] {
  const estimated = tables.filter(({ rows }) => rows.ok && rows.value.estimated)
  const exact = tables.filter(({ rows }) => rows.ok && !rows.value.estimated)
  const hidden = tables.filter(({ table }) => table.relation.rowsHidden)
  const name = ({ table, rows }: (typeof tables)[number]): string =>
    `${table.relation.label} (about ${thousands(rows.ok ? rows.value.rows : 0)}${hasStatistics(table) ? '' : ', never analysed'})`
  return [
    ...okIf(exact.length > 0, 'row-counts', `Rows counted in ${count(exact.length, 'table')}`),
    ...okIf(
      estimated.length > 0,
      'row-counts',
      `Rows estimated in ${count(estimated.length, 'large table')}: ${list(estimated.map(name))}`,
    ),
    ...hidden.map(({ table }) =>
      warning(
        'row-counts',
        table.relation.label,
        'row security hides rows from this role: they are not counted',
      ),
    ),
  ]
}

function hasStatistics({ relation, partitions }: Probes['tables'][number]['table']): boolean {
  const stored =
    relation.kind === 'partitioned table' ? partitions.map((partition) => partition.relation) : [relation]
  return stored.every(({ kind, neverAnalysed }) => kind !== 'table' || !neverAnalysed)
}

function checkOrphans({ child, key, orphans }: Probes['foreignKeys'][number]): Finding[] {
  const subject = `${child.relation.label} ${key.label}`
  if (orphans.ok === null) return [warning('orphans', subject, `not checked: ${orphans.reason}`)]
  if (!orphans.ok) {
    const find = orphans.sqlState === QUERY_CANCELED ? warning : failure
    return [find('orphans', subject, `not checked: ${orphans.reason}`)]
  }
  const { checked, orphans: found, estimated } = orphans.value
  if (found > 0) {
    const rows = `${thousands(found)} of ${count(checked, estimated ? 'sampled row' : 'row')}`
    const finding = failure(
      'orphans',
      subject,
      `${rows} without a parent in ${key.parentLabel}; list them with`,
    )
    return [{ ...finding, statement: selectOrphans(child.relation, key) }]
  }
  if (estimated && checked === 0) return [warning('orphans', subject, 'not checked: the sample had no rows')]
  return []
}

function sumUpOrphans({ foreignKeys }: Probes): Finding[] {
  const clean = foreignKeys.flatMap(({ child, key, orphans }) =>
    orphans.ok && orphans.value.orphans === 0
      ? [{ subject: `${child.relation.label} ${key.label}`, ...orphans.value }]
      : [],
  )
  const whole = clean.filter(({ estimated }) => !estimated)
  const sampled = clean.filter(({ estimated, checked }) => estimated && checked > 0)
  const names = sampled.map(({ subject, checked }) => `${subject} (${thousands(checked)})`)
  return [
    ...okIf(whole.length > 0, 'orphans', `No orphans under ${count(whole.length, 'foreign key')}`),
    ...okIf(
      sampled.length > 0,
      'orphans',
      `No orphans in a sample of the rows under ${count(sampled.length, 'foreign key')} of large tables: ${list(names)}`,
    ),
  ]
}
