import type { Definition } from '../../etl/stream/definition.ts'
import { registerStreams } from '../../etl/stream/registry.ts'
import { grantStreams } from '../../scripts/migration/streams.ts'
import type { World } from './world.ts'

/**
 * Brings a warehouse to a later declaration of its stream: columns that its migration would add, and what `npm run migrate`
 * does with any. What is declared later belongs to tests alone, so its migration is a statement.
 *
 * @param migration such as `alter table …`.
 */
export async function grow(world: World, later: Definition, migration: string): Promise<void> {
  const client = await world.pool.connect()
  try {
    await client.query(`set role pulse_owner; set search_path to warehouse, audit; ${migration}`)
    await registerStreams(client, [later])
    await grantStreams(client, [later])
  } finally {
    client.release(true)
  }
}
