import { readConfig } from '../etl/process/config.ts'
import { appliedMigrations } from '../etl/postgres/migrations.ts'
import { explainedTls } from '../etl/postgres/tls.ts'
import { runCommand } from './command-failure.ts'
import { renderRights } from './rights/render.ts'
import { isAsDeclared, reportRights } from './rights/judge.ts'
import { streams } from '../etl/installation.ts'
import { withClient } from './with-client.ts'

const HELP = `Usage: npm run rights

Prints who may do what in the warehouse, as it really is: of each role its own rights, also those that it
has through another role. Names what is more or less than it should be, and the statement that mends it.
It writes nothing. The gate, npm run migrate, checks and prints the same.

Reads MIGRATION_DATABASE_URL, or else DATABASE_URL.
Exit codes: 0 as declared, warnings allowed, 1 not as declared, or no connection, 2 usage or configuration.`

async function main(): Promise<number> {
  const config = readConfig(['database'])
  const report = await withClient(
    config.MIGRATION_DATABASE_URL ?? config.DATABASE_URL,
    async (client) => {
      if ((await appliedMigrations(client)) === undefined)
        throw new Error('the warehouse was never migrated: run npm run migrate')
      return reportRights(client, streams)
    },
    { connectionTimeoutMillis: 5_000, application_name: 'global-sales-pulse rights' },
  )
  console.log(renderRights(report))
  return isAsDeclared(report) ? 0 : 1
}

await runCommand(HELP, main, (thrown) => explainedTls(thrown, 'MIGRATION_DATABASE_URL (or DATABASE_URL)'))
