import { Client } from 'pg'

/** Gives the server's version ("17.10") if it takes queries, undefined if it doesn't. */
export async function postgresVersion(databaseUrl: string): Promise<string | undefined> {
  const client = new Client({ connectionString: databaseUrl, connectionTimeoutMillis: 3_000 })
  client.on('error', () => {}) // a server that ends in between is an answer too
  try {
    await client.connect()
    const { rows } = await client.query<{ server_version: string }>('show server_version')
    return rows[0]?.server_version.split(' ')[0]
  } catch {
    return undefined
  } finally {
    await client.end().catch(() => {})
  }
}
