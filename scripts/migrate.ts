import { parseArgs } from 'node:util'
import { readConfig } from '../etl/process/config.ts'
import { explainedTls } from '../etl/postgres/tls.ts'
import { failCommand } from './command-failure.ts'
import { migrate, MigrationRefused } from './migration/migrate.ts'
import { renderRights } from './rights/render.ts'
import { renderReport } from './schema-validator/render.ts'

const HELP = `Usage: npm run migrate

Brings the warehouse's schema up to this version, validates it and checks that no role may
do more or less than it should, in one transaction: all of it holds, or the database is as
it was. Prints both; npm run rights prints the rights again. Makes the roles pulse_owner,
pulse_loader and pulse_reader where it may. Safe to run again, and twice at once.

Reads MIGRATION_DATABASE_URL, or else DATABASE_URL.
Exit codes: 0 migrated and valid, 1 refused or failed (nothing was changed), 2 usage or configuration.`

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h' } } })
  if (values.help === true) {
    console.log(HELP)
    return 0
  }
  const config = readConfig(['database'])
  const { applied, report, rights } = await migrate(config.MIGRATION_DATABASE_URL ?? config.DATABASE_URL)
  console.log(`${renderReport(report)}\n\n${renderRights(rights)}\n`)
  console.log(
    applied.length > 0 ? `Applied ${applied.join(', ')}.` : 'Nothing to apply: the schema is current.',
  )
  return 0
}

try {
  process.exitCode = await main()
} catch (thrown) {
  const error = explainedTls(thrown, 'MIGRATION_DATABASE_URL (or DATABASE_URL)')
  if (error instanceof MigrationRefused && error.found !== undefined)
    console.log(`${renderReport(error.found.report)}\n\n${renderRights(error.found.rights)}\n`)
  failCommand(error)
}
