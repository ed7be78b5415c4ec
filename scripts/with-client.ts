import { Client, type ClientConfig } from 'pg'

/** Runs work on a connection of its own, which is closed afterwards; that rolls an open transaction back. */
export async function withClient<T>(
  databaseUrl: string,
  work: (client: Client) => Promise<T>,
  options: ClientConfig = {},
): Promise<T> {
  const client = new Client({ connectionString: databaseUrl, ...options })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
