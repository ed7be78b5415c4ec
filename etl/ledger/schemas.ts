import type { Pool } from 'pg'
import type { SourceRecord } from '../kafka/record.ts'
import { inArray } from '../postgres/drizzle.ts'
import { columnsOf, on, type Client } from '../postgres/query.ts'
import { schemas as table } from '../schema/audit.ts'
import type { RegisteredSchema, Schemas } from '../stream/envelopes/schemas.ts'

/** What a registry can give as an id. */
export const MAX_SCHEMA_ID = 2_147_483_647

/**
 * Learns the schemas that records name from those that are kept in the warehouse.
 *
 * @param schemas of the stream; nothing is to be learnt where it has none.
 * @returns the ids that are still not known.
 */
export async function learnStored(
  client: Client,
  schemas: Schemas | undefined,
  records: readonly SourceRecord[],
): Promise<number[]> {
  const missing = schemas?.missing(records) ?? []
  const possible = missing.filter((id) => id <= MAX_SCHEMA_ID)
  if (possible.length === 0) return missing
  const { id, ...others } = columnsOf(table, 'id', 'type', 'text', 'imports')
  const found = await on(client)
    .select({ id, ...others })
    .from(table)
    .where(inArray(id, possible))
  for (const schema of found) schemas!.learn(schema)
  return schemas!.missing(records)
}

/**
 * Keeps a schema, so that nobody has to ask for it again. Workers that learn it at once write the same row: the second
 * finds it by the primary key, and the text of an id never changes.
 */
export async function keepSchema(pool: Pool, schema: RegisteredSchema): Promise<void> {
  await on(pool).insert(table).values(schema).onConflictDoNothing()
}
