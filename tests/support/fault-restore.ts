import { Client, escapeIdentifier } from 'pg'
import { columnName } from '../../etl/stream/field.ts'
import { migrate } from '../../scripts/migration/migrate.ts'
import { stream } from './stream.ts'
import type { World } from './world.ts'

/** What a test does to a world's warehouse while no worker runs. Sessions that still use it are ended. */

/** The warehouse is lost, and a new and empty one is migrated in its place. */
export async function wipe(world: World): Promise<void> {
  const name = databaseOf(world)
  await asAdmin(world, [`drop database ${name} with (force)`, `create database ${name}`])
  await migrate(world.env['DATABASE_URL']!)
}

/** Puts a copy of the warehouse away, as a backup does. The test restores it before it ends. */
export async function backUp(world: World): Promise<void> {
  const name = databaseOf(world)
  await asAdmin(world, [endSessions(world), `create database ${backupOf(world)} template ${name}`])
}

/** The warehouse is as it was when it was backed up; settings of the database come with the migration. */
export async function restore(world: World): Promise<void> {
  const name = databaseOf(world)
  await asAdmin(world, [
    `drop database ${name} with (force)`,
    `alter database ${backupOf(world)} rename to ${name}`,
  ])
  await migrate(world.env['DATABASE_URL']!)
}

/** A hash over all facts, and one over all dead letters, with where they came from; not when or by which run. */
export async function fingerprint({ pool }: World): Promise<unknown> {
  const { fields, derived = {} } = stream.definition
  const columns = [fields, derived].flatMap((of) => Object.keys(of).map((name) => columnName(of, name)))
  const { rows } = await pool.query(`
    select (select count(*) || ' ' || md5(string_agg(t::text, E'\\n' order by source_partition, source_offset)) from (
              select ${columns.join(', ')}, source_partition, source_offset from warehouse.${stream.name}) t) as facts,
           (select count(*) || ' ' || md5(string_agg(d::text, E'\\n' order by partition, "offset")) from (
              select partition, "offset", kafka_timestamp, key, value, headers, code, issues
              from audit.dead_letters) d) as dead_letters`)
  return rows[0]
}

const nameOf = (world: World) => new URL(world.env['DATABASE_URL']!).pathname.slice(1)
const databaseOf = (world: World) => escapeIdentifier(nameOf(world))
const backupOf = (world: World) => escapeIdentifier(`${nameOf(world)}_backup`)
const endSessions = (world: World) =>
  `select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = '${nameOf(world)}'`

async function asAdmin(world: World, statements: readonly string[]): Promise<void> {
  const url = new URL(world.env['DATABASE_URL']!)
  url.pathname = '/postgres'
  const client = new Client({ connectionString: url.href })
  await client.connect()
  try {
    for (const statement of statements) await client.query(statement)
  } finally {
    await client.end()
  }
}
