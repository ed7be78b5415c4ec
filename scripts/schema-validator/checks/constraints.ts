import type { Catalogue, Table } from '../catalogue.ts'
import { ok, section, warning, type Finding, type Section } from '../report.ts'
import { count, list } from '../wording.ts'

/** How many there are of each kind, and which of them do not bind. */
export function checkConstraints({ tables }: Catalogue): Section {
  if (tables.length === 0) return section('constraints', [])
  const weak = tables.flatMap(checkEnforced)
  return section('constraints', [
    ok('constraints', describeTotals(tables)),
    ...(weak.length > 0 ? weak : [ok('enforced', 'Every constraint is validated and enforced')]),
    ...describeDeferrable(tables),
  ])
}

/** What guarantees uniqueness beside the primary key, be it called constraint or index. */
export const countUnique = ({ indexes }: Table): number =>
  indexes.filter(({ unique, primary }) => unique && !primary).length

export const countNotNull = ({ columns }: Table): number => columns.filter(({ nullable }) => !nullable).length

export const countKind = ({ constraints }: Table, wanted: string): number =>
  constraints.filter(({ kind }) => kind === wanted).length

function describeTotals(tables: Table[]): string {
  const total = (of: (table: Table) => number) => tables.reduce((sum, table) => sum + of(table), 0)
  const exclusions = total((table) => countKind(table, 'exclusion'))
  return [
    count(
      total((table) => countKind(table, 'primary key')),
      'primary key',
    ),
    `${total(countUnique)} unique`,
    `${total(countNotNull)} not null`,
    count(
      total((table) => countKind(table, 'check')),
      'check',
    ),
    count(
      total((table) => table.foreignKeys.length),
      'foreign key',
    ),
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
  return deferrable.length === 0
    ? []
    : [ok('deferrable', `${deferrable.length} deferrable: ${list(deferrable)}`)]
}
