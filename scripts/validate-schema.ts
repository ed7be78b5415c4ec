import { Command, CommanderError } from 'commander'
import { Client } from 'pg'
import { readConfig } from '../etl/process/config.ts'
import { explainedTls } from '../etl/postgres/tls.ts'
import { commandFailure } from './command-failure.ts'
import { wholeNumber } from './pulse/arguments.ts'
import { renderReport, unreachableReport, type SchemaReport } from './schema-validator/report.ts'
import { validateSchema } from './schema-validator/validate.ts'

interface Flags {
  json?: boolean
  details?: boolean
  schema?: string[]
  exactRows: number
  timeout: number
}

const atLeastOne = wholeNumber(1, 1_000_000_000)

const command = new Command('validate-schema')
  .description('Validates the schema of the Postgres database at DATABASE_URL. It writes nothing.')
  .option('--schema <name>', 'only this schema; may be given more than once', collect)
  .option('--details', 'also list every column with its type, and every foreign key')
  .option('--json', 'print the report as JSON')
  .option('--exact-rows <n>', 'estimate and sample tables that have more rows', atLeastOne, 100_000)
  .option('--timeout <seconds>', 'how long one statement may run', atLeastOne, 10)
  .addHelpText(
    'after',
    `
Examples:
  npm run validate-schema
  npm run validate-schema -- --schema public --schema audit
  npm run --silent validate-schema -- --json | jq '.sections[].findings[] | select(.level != "ok")'

Exit codes: 0 valid, warnings allowed · 1 not valid, or no connection · 2 wrong usage or configuration`,
  )
  .exitOverride()

process.exitCode = await main()

async function main(): Promise<number> {
  try {
    const flags = command.parse().opts<Flags>()
    const { DATABASE_URL } = readConfig(['database'])
    const report = await validateDatabase(DATABASE_URL, flags)
    print(report, flags)
    return report.valid ? 0 : 1
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    const { message, exitCode } = commandFailure(explainedTls(error))
    console.error(exitCode === 2 ? message : `❌ ${message}`)
    return exitCode
  }
}

async function validateDatabase(url: string, flags: Flags): Promise<SchemaReport> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: 10_000,
    fallback_application_name: 'validate-schema',
  })
  // A connection that is lost also fails the statement in hand, and that is what gets reported.
  client.on('error', () => {})
  try {
    await client.connect()
  } catch (error) {
    const { database, host, port, user } = client
    const role = user === undefined ? '' : ` as ${user}`
    return unreachableReport(`database ${database} on ${host}:${port}${role}`, reasonOf(error))
  }
  try {
    return await validateSchema(client, {
      ...(flags.schema === undefined ? {} : { schemas: flags.schema }),
      exactCountLimit: flags.exactRows,
      statementTimeoutMs: flags.timeout * 1_000,
    })
  } finally {
    await client.end()
  }
}

function print(report: SchemaReport, { json, details = false }: Flags): void {
  if (json) console.log(JSON.stringify(report, null, 2))
  else if (report.database === null) console.error(renderReport(report))
  else console.log(renderReport(report, { details }))
}

/** Of a host's addresses that all failed, the first one's reason. */
function reasonOf(error: unknown): string {
  const first = error instanceof AggregateError && error.errors.length > 0 ? error.errors[0] : error
  return commandFailure(explainedTls(first)).message
}

function collect(name: string, names: string[] = []): string[] {
  return [...names, name]
}
