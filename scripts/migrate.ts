import { readConfig } from '../etl/process/config.ts'
import { explainedTls } from '../etl/postgres/tls.ts'
import { runCommand } from './command-failure.ts'
import { migrate, MigrationRefused } from './migration/migrate.ts'
import { renderRights } from './rights/render.ts'
import { renderReport } from './schema-validator/report.ts'

const HELP = `Usage: npm run migrate

Brings the warehouse's schema up to this version, validates it and checks that no role may
do more or less than it should, in one transaction: all of it holds, or the database is as
it was. Prints both; npm run rights prints the rights again. Makes the roles pulse_owner,
pulse_loader and pulse_reader where it may. Safe to run again, and twice at once.

Reads MIGRATION_DATABASE_URL, or else DATABASE_URL.
Exit codes: 0 migrated and valid, 1 refused or failed (nothing was changed), 2 usage or configuration.`

async function main(): Promise<number> {
  const config = readConfig(['database'])
  const { applied, ...found } = await migrate(config.MIGRATION_DATABASE_URL ?? config.DATABASE_URL)
  print(found)
  console.log(
    applied.length > 0 ? `Applied ${applied.join(', ')}.` : 'Nothing to apply: the schema is current.',
  )
  return 0
}

function print({ report, rights }: NonNullable<MigrationRefused['found']>): void {
  console.log(`${renderReport(report)}\n\n${renderRights(rights)}\n`)
}

await runCommand(HELP, main, (thrown) => {
  if (thrown instanceof MigrationRefused && thrown.found !== undefined) print(thrown.found)
  return explainedTls(thrown, 'MIGRATION_DATABASE_URL (or DATABASE_URL)')
})
