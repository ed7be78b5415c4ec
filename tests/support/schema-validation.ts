import { randomBytes } from 'node:crypto'
import { Client } from 'pg'
import { afterAll, beforeAll, inject } from 'vitest'
import type { Finding, SchemaReport } from '../../scripts/schema-validator/report.ts'
import { validateSchema, type ValidationOptions } from '../../scripts/schema-validator/validate.ts'
import { createDatabase } from './database.ts'

export interface OwnDatabase {
  client: Client
  /** Whether the tests' role may do everything; some faults only such a role can make. */
  superuser: boolean
  connect(): Promise<Client>
}

/** A database for the tests of one file or block, there from their beforeAll to their afterAll. */
export function useOwnDatabase(): OwnDatabase {
  const own = {} as OwnDatabase
  let drop: () => Promise<void>
  beforeAll(async () => {
    const database = await createDatabase(inject('databaseUrl'))
    drop = () => database.drop()
    own.connect = async () => {
      const client = new Client({ connectionString: database.url })
      await client.connect()
      return client
    }
    own.client = await own.connect()
    own.superuser = await isSuperuser(own.client)
  })
  afterAll(async () => {
    await own.client.end()
    await drop()
  })
  return own
}

/** A schema of the test's own, where names without one are looked up from then on. */
export async function createSchema(client: Client, statements: readonly string[] = []): Promise<string> {
  const schema = `s_${randomBytes(4).toString('hex')}`
  await client.query(`CREATE SCHEMA ${schema}; SET search_path = ${schema}, public`)
  for (const statement of statements) await client.query(statement)
  return schema
}

export function validated(
  client: Client,
  schema: string,
  options: ValidationOptions = {},
): Promise<SchemaReport> {
  return validateSchema(client, { schemas: [schema], ...options })
}

const findings = (report: SchemaReport): Finding[] => report.sections.flatMap((part) => part.findings)

/** Everything that is not fine, one line each; the schema's random name is left out. */
export function problems(report: SchemaReport): string[] {
  const schema = new RegExp(`"?${report.database?.schemas[0]}"?\\.`, 'g')
  return findings(report)
    .filter(({ level }) => level !== 'ok')
    .map(({ level, check, subject, message }) =>
      `${level} ${check} ${subject}: ${message}`.replaceAll(schema, ''),
    )
}

/** Creates a role without login and runs a test as that role. Only where the tests' own role may. */
export async function asOtherRole<T>(
  client: Client,
  grants: (role: string) => readonly string[],
  run: (role: string) => Promise<T>,
): Promise<T> {
  const role = `role_${randomBytes(4).toString('hex')}`
  await client.query(`CREATE ROLE ${role}`)
  try {
    for (const grant of grants(role)) await client.query(grant)
    await client.query(`SET ROLE ${role}`)
    return await run(role)
  } finally {
    await client.query('RESET ROLE')
    await client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`)
  }
}

async function isSuperuser(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ super: boolean }>(
    'SELECT rolsuper AS super FROM pg_roles WHERE rolname = current_user',
  )
  return rows[0]?.super === true
}

/** What the report says, without the schema's random name. */
export const messages = async (
  client: Client,
  schema: string,
  options: ValidationOptions = {},
): Promise<string[]> =>
  findings(await validated(client, schema, options)).map(({ message }) =>
    message.replaceAll(`${schema}.`, ''),
  )
