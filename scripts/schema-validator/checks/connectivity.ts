import type { Catalogue } from '../catalogue.ts'
import { assembleReport, failure, ok, section, type SchemaReport, type Section } from '../report.ts'

export function checkConnectivity({ server }: Catalogue): Section {
  const standby = server.standby ? ', a standby' : ''
  return section('connectivity', [
    ok(
      'connection',
      `PostgreSQL ${server.version}${standby}, database ${server.database}, role ${server.role}`,
    ),
  ])
}

/** The whole report where there was no connection. `target` names the database, never its password. */
export const unreachableReport = (target: string, reason: string): SchemaReport =>
  assembleReport(null, [section('connectivity', [failure('connection', target, reason)])], [])
