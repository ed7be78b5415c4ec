import type { ClientBase } from 'pg'
import { columnsOf, keyNames, names, pick } from './columns.ts'
import { identityFields } from './define.ts'
import type { Definition } from './definition.ts'
import { columnName } from './field.ts'
import { linesOf } from './rows.ts'
import { countedTable, DELETED_AT, floorColumn, isLatest, storedFields, versionFields } from './stored.ts'

/**
 * The views of a stream of versions: `<stream>_live` has the current rows without deletions, `<stream>_versions` each
 * version with the time that it was valid, `<lines>_live` the lines of current rows.
 */
export const viewNames = (stream: Definition): readonly string[] => [
  `${stream.name}_live`,
  `${stream.name}_versions`,
  ...linesOf(stream).map(({ table }) => `${table}_live`),
]

/** Columns of `<stream>_versions` beside the history's own. */
export const VALIDITY = ['valid_from', 'valid_to', 'is_current']

/**
 * Makes the views of the declared streams as their tables are now, as the owner, in a migration's transaction, after its
 * statements. Whoever drops a column of the tables by hand drops the views before it.
 */
export async function makeViews(client: ClientBase, streams: readonly Definition[]): Promise<void> {
  for (const stream of streams.filter(isLatest)) {
    const [live, versions] = viewNames(stream)
    // In the order in which the tables got them: a view takes further columns at its end only.
    const ofCurrent = await columnsThere(client, stream.name)
    const ofHistory = await columnsThere(client, countedTable(stream))
    const floors = pick(columnsOf(stream, storedFields(stream)), versionFields(stream)).map((one) =>
      floorColumn(one.name),
    )
    const shown = ofCurrent.filter((column) => column !== DELETED_AT && !floors.includes(column))
    await client.query(
      `create or replace view warehouse.${live!} as
       select ${shown.join(', ')} from warehouse.${stream.name} where ${DELETED_AT} is null`,
    )
    await client.query(`create or replace view warehouse.${versions!} as ${validity(stream, ofHistory)}`)
    for (const { table } of linesOf(stream)) {
      const shownOfLines = (await columnsThere(client, table)).map((column) => `l.${column}`)
      // The current row names its version, so its lines are those of that version. A deletion has none.
      const isItsVersion = keyNames(stream).map((column) => `l.${column} = t.${column}`)
      await client.query(
        `create or replace view warehouse.${table}_live as
         select ${shownOfLines.join(', ')}
         from warehouse.${table} l join warehouse.${stream.name} t on ${isItsVersion.join(' and ')}`,
      )
    }
  }
}

/**
 * A version is valid from its time until the next version's. Where the time of a later version is an earlier one, it is
 * valid from when the one before it was: so the times of a key tile, without gap or overlap, whatever clocks said.
 * A deletion ends what was valid before and is itself no row. The times stand first: further columns come at the end.
 */
function validity(stream: Definition, columns: readonly string[]): string {
  const stored = columnsOf(stream, storedFields(stream))
  const key = names(pick(stored, identityFields(stream.identity)))
  const version = names(pick(stored, versionFields(stream)))
  const time = columnName(stream.fields, stream.eventTime)
  const shown = columns.filter((column) => column !== DELETED_AT).join(', ')
  // A deletion has its own time as that of its event; a version that a sweep found deleted has its values, and ends then.
  const isSwept =
    stream.identity.by === 'log' ? `${DELETED_AT} is not null and ${DELETED_AT} <> ${time}` : 'false'
  const next = `lead(valid_from) over (partition by ${key} order by ${version})`
  return `select valid_from, valid_to, valid_to is null as is_current, ${shown}
    from (
      select *, least(${next}, case when ${isSwept} then greatest(valid_from, ${DELETED_AT}) end) as valid_to
      from (
        select *, max(${time}) over (partition by ${key} order by ${version}) as valid_from
        from warehouse.${countedTable(stream)}
      ) begun
    ) tiled
    where ${DELETED_AT} is null or (${isSwept})`
}

async function columnsThere(client: ClientBase, table: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select attname as name from pg_attribute
     where attrelid = to_regclass($1) and attnum > 0 and not attisdropped order by attnum`,
    [`warehouse.${table}`],
  )
  return rows.map(({ name }) => name)
}
