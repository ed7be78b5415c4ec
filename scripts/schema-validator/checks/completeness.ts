import { count } from '../../../etl/text/wording.ts'
import type { Catalogue, Relation } from '../catalogue.ts'
import { failure, list, ok, section, type Finding, type Section } from '../report.ts'

export function checkConnectivity({ server }: Catalogue): Section {
  const standby = server.standby ? ', a standby' : ''
  return section('connectivity', [
    ok(
      'connection',
      `PostgreSQL ${server.version}${standby}, database ${server.database}, role ${server.role}`,
    ),
  ])
}

/** The wanted schemas exist, there are tables, and each has columns. Says what it leaves out. */
export function checkCompleteness(catalogue: Catalogue): Section {
  const { tables, schemas, missingSchemas } = catalogue
  const empty = tables.filter(({ columns }) => columns.length === 0)
  const findings: Finding[] = missingSchemas.map((name) =>
    failure('schemas', JSON.stringify(name), 'there is no such schema'),
  )
  findings.push(
    tables.length === 0
      ? failure('tables', list(schemas) || 'database', 'no tables found')
      : ok(
          'tables',
          `${count(tables.length, 'table')} in ${count(schemas.length, 'schema')}: ${list(schemas)}`,
        ),
    ...empty.map(({ relation }) => failure('columns', relation.label, 'the table has no columns')),
  )
  if (tables.length > 0 && empty.length === 0) findings.push(ok('columns', 'Every table has columns'))
  return section('completeness', [...findings, ...leftOut(catalogue)])
}

/** Nothing is left out in silence. */
function leftOut(catalogue: Catalogue): Finding[] {
  const findings: Finding[] = []
  const say = (relations: Relation[], noun: string, why: string) => {
    if (relations.length === 0) return
    const names = list(relations.map(({ label }) => label))
    findings.push(ok('scope', `${count(relations.length, noun)} ${why}: ${names}`))
  }
  say(catalogue.views, 'view', 'checked only for being queryable')
  say(catalogue.foreignTables, 'foreign table', 'left to the servers where they live')
  say(catalogue.ofExtensions, 'relation', 'left to the extensions that own them')
  say(catalogue.ofOtherSchemas, 'partition', 'left to their parents in other schemas')
  if (catalogue.temporaryTables > 0) {
    findings.push(ok('scope', `${count(catalogue.temporaryTables, 'temporary table')} left out`))
  }
  return findings
}
