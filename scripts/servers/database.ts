import { randomBytes } from 'node:crypto'
import { Client, escapeIdentifier } from 'pg'

export interface OwnDatabase {
  readonly url: string
  readonly name: string
  /** Ends whatever sessions it still has. May be called again. */
  drop(): Promise<void>
}

/** An empty database with a random name on the server of `adminUrl`; the caller migrates and drops it. */
export async function createDatabase(adminUrl: string, prefix = 'pulse_test'): Promise<OwnDatabase> {
  const name = `${prefix}_${randomBytes(6).toString('hex')}`
  const url = new URL(adminUrl)
  url.pathname = `/${name}`
  const quoted = escapeIdentifier(name)
  await run(adminUrl, `create database ${quoted}`)
  return { url: url.href, name, drop: () => run(adminUrl, `drop database if exists ${quoted} with (force)`) }
}

async function run(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
