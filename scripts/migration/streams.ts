import { readFileSync } from 'node:fs'
import type { ClientBase } from 'pg'
import { FOLDERS } from '../../etl/postgres/migrations.ts'
import type { Definition } from '../../etl/stream/definition.ts'
import { ofStreams } from '../rights/declared.ts'

/** What 0.3 made for everybody: migrations 0000 and 0001 are as they were, and declarations are younger. */
const MADE_BY_THE_ENGINE = {
  stream: 'transactions',
  tables: ['transactions', 'order_keys', 'sales_by_minute'],
}

/**
 * Takes away the tables that the engine's first migrations make, where no stream is declared that they belong to:
 * only of a warehouse that never used them.
 */
export async function dropUnusedTables(client: ClientBase, declared: readonly Definition[]): Promise<void> {
  const { stream, tables } = MADE_BY_THE_ENGINE
  if (declared.some(({ name }) => name === stream)) return
  // No declaration of it was ever registered; then the tables are there.
  const { rowCount } = await client.query(
    'select from audit.streams where name = $1 and contract_hash is null',
    [stream],
  )
  if (rowCount === 0) return
  const { rows } = await client.query<{ unused: boolean }>(
    `select not exists (select from audit.partition_progress where stream = $1)
        and not (select is_called from warehouse.transactions_id_seq)
        and not exists (select from warehouse.order_keys) as unused`,
    [stream],
  )
  if (rows[0]?.unused !== true) return
  await client.query(`drop table ${tables.map((table) => `warehouse.${table}`).join(', ')}`)
  await client.query('delete from audit.streams where name = $1', [stream])
}

/** A column that is not as a migration would make it. */
interface Snapshot {
  readonly tables: Readonly<
    Record<
      string,
      {
        readonly schema: string
        readonly name: string
        readonly columns: Readonly<Record<string, { readonly type: string; readonly notNull: boolean }>>
      }
    >
  >
}

/**
 * Whether the tables that the streams' first migration makes are there: then it is recorded and not run.
 *
 * @throws Error where only some of them are, or where they are other than it would make them.
 */
export async function hasBaseline(client: ClientBase, folder = FOLDERS.streams): Promise<boolean> {
  const text = readFileSync(new URL('meta/0000_snapshot.json', folder), 'utf8')
  const tables = Object.values((JSON.parse(text) as Snapshot).tables)
  const problems: string[] = []
  const there: string[] = []
  for (const { schema, name, columns } of tables) {
    const { rows } = await client.query<{ name: string; type: string; notNull: boolean }>(
      `select attname as name, format_type(atttypid, atttypmod) as type, attnotnull as "notNull"
       from pg_attribute where attrelid = to_regclass($1) and attnum > 0 and not attisdropped`,
      [`${schema}.${name}`],
    )
    if (rows.length === 0) continue
    there.push(name)
    const found = new Map(rows.map((row) => [row.name, row]))
    for (const [column, { type, notNull }] of Object.entries(columns)) {
      const is = found.get(column)
      if (is === undefined) problems.push(`${schema}.${name} has no column ${column}`)
      else if (is.notNull !== notNull || shortType(is.type) !== shortType(type))
        problems.push(
          `${schema}.${name}.${column} is ${is.type}${is.notNull ? ' not null' : ''}, not ${type}`,
        )
    }
  }
  if (there.length === 0) return false
  if (there.length < tables.length) problems.push(`of the tables only ${there.join(', ')} are there`)
  if (problems.length > 0)
    throw new Error(
      `the tables that are there are not those of the first migration:\n  ${problems.join('\n  ')}`,
    )
  return true
}

/** A type as Postgres writes it out and as drizzle does. */
const shortType = (type: string): string =>
  type.replace(' collate "C"', '').replace('character varying', 'varchar').replaceAll(' ', '')

/** Grants what the declared streams' tables need; of those that are retired, only that they are read. */
export async function grantStreams(client: ClientBase, declared: readonly Definition[]): Promise<void> {
  const retired = await retiredTables(client, declared)
  for (const table of retired) await client.query(`revoke all on warehouse.${table} from pulse_loader`)
  for (const [table, rights] of Object.entries(ofStreams(declared, retired)))
    for (const role of ['pulse_loader', 'pulse_reader'] as const)
      if (rights[role] !== undefined)
        await client.query(`grant ${rights[role].join(', ')} on ${table} to ${role}`)
}

/** The tables of the streams that were loaded once and are declared no longer, and are there. */
export async function retiredTables(
  client: ClientBase,
  declared: readonly Definition[],
): Promise<readonly string[]> {
  const { rows: found } = await client.query<{ found: boolean }>(
    `select to_regclass('audit.streams') is not null as found`,
  )
  if (found[0]?.found !== true) return []
  const { rows } = await client.query<{ name: string }>(
    `select distinct tables.name from audit.streams s, lateral (
       select unnest(array[s.facts, s.keys] || array[to_jsonb(s) ->> 'current', (to_jsonb(s) ->> 'current') || '_live', (to_jsonb(s) ->> 'current') || '_versions'] || array(select r ->> 'table' from jsonb_array_elements(s.rollups || coalesce(to_jsonb(s) -> 'lines', '[]')) r)) as name
     ) tables
     where s.name <> all($1::text[]) and tables.name is not null and to_regclass(format('warehouse.%I', tables.name)) is not null`,
    [declared.map(({ name }) => name)],
  )
  return rows.map(({ name }) => name)
}
