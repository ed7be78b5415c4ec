import type { ClientBase, Pool } from 'pg'
import { readPatiently } from '../postgres/patient.ts'
import { columnsOf, pick, readAs } from '../stream/columns.ts'
import type { Stream } from '../stream/compile.ts'
import { columnName, type Row } from '../stream/field.ts'
import { isLatest, storedColumns } from '../stream/stored.ts'
import type { Fact } from '../stream/types.ts'
import type { RecordKey } from '../stream/record-key.ts'

/** The primary keys of facts as JSON, as audit.forget takes them; of versions those of the key alone. */
export type Keys = readonly Readonly<Record<string, unknown>>[]

/**
 * The facts, or keys of versions, that are there of these identities. Without a lock: what is loaded later is not meant.
 * Where an identity is unique together with its time only, no index has it alone, so all facts are gone through.
 */
export async function findKeys(pool: Pool, stream: Stream, keys: readonly RecordKey[]): Promise<Keys> {
  const { definition, counted, identity } = stream
  const columns = pick(columnsOf(definition), identity.fields)
  const time = columnName(definition.fields, definition.eventTime)
  const names = columns.map(({ name }) => name)
  const inKey = isLatest(definition) ? names : [time, ...names]
  const table = definition.identity.scope === 'warehouse' ? definition.identity.keys : counted
  const found = await readPatiently<{ key: Record<string, unknown> }>(
    pool,
    `select distinct jsonb_build_object(${inKey.map((name) => `'${name}', t.${name}`).join(', ')}) as key
     from warehouse.${table} t
     where (${names.map((name) => `t.${name}`).join(', ')}) in (select * from unnest(${columns.map(({ array }, i) => `$${i + 1}::${array}`).join(', ')}))`,
    columns.map((column, i) =>
      column.encode(keys.map((key) => ({ row: { [column.field]: key[i] } as Row }))),
    ),
  )
  return found.map(({ key }) => key)
}

/** The fields that rollups sum or count by, of those that are personal. */
export function personalMeasures({ rollups = {}, ...definition }: Stream['definition']): string[] {
  const all = { ...definition.fields, ...definition.derived }
  const measured = Object.values(rollups).flatMap(({ measures }) =>
    Object.values(measures).flatMap((one) => [one.where, one.measure === 'sum' ? one.field : undefined]),
  )
  return measured.filter((field) => field !== undefined && all[field]!.options.personal === true) as string[]
}

/**
 * What rollups hold of these facts, by the number of the partition that they are counted in: facts, or current rows that
 * are not deleted. Read under the locks of all the stream's progress rows, so nobody changes them before this transaction
 * ends.
 */
export async function readCounted(
  client: ClientBase,
  { definition, name }: Stream,
  keys: Keys,
): Promise<ReadonlyMap<number, Fact[]>> {
  const { stored, derived } = storedColumns(definition)
  const inKey = Object.keys(keys[0] ?? {})
  if (inKey.length === 0) return new Map()
  const { rows } = await client.query<Row & { sourcePartition: number; offset: number }>(
    `select t.source_partition as "sourcePartition", t.source_offset as "offset", ${readAs([...stored, ...derived], 't')}
     from warehouse.${name} t
     join (select distinct ${inKey.join(', ')} from jsonb_populate_recordset(null::warehouse.${name}, $1)) k
       on ${inKey.map((one) => `t.${one} = k.${one}`).join(' and ')}
     ${isLatest(definition) ? 'where t.deleted_at is null' : ''}
     order by t.source_partition, t.source_offset`,
    [JSON.stringify(keys)],
  )
  return Map.groupBy(
    rows.map(({ sourcePartition, offset, ...row }) => ({ sourcePartition, offset, identity: '', row })),
    ({ sourcePartition }) => sourcePartition,
  )
}
