import { int4s, int8s, texts, timestamps } from '../postgres/binary-arrays.ts'
import { readAs } from './columns.ts'
import type { Definition } from './definition.ts'
import { columnName, type Row } from './field.ts'
import type { FactStatements } from './facts.ts'
import type { IdentityStatements } from './identity.ts'
import { redrivenTable, storedColumns } from './stored.ts'

/** What a row of a stream of single records has beside its fields, while it is loaded. */
const REDRIVE_OF = 'redrive_of'
const AT_OFFSET = 'source_offset'

const of = (row: Row): string => redrivenOf(row) ?? `@${row[AT_OFFSET] as number}`

/** The first dead letter that it was sent again for. */
export const redrivenOf = (row: Row): string | undefined => row[REDRIVE_OF] as string | undefined

type Each = Pick<IdentityStatements, 'fields' | 'of' | 'place' | 'named' | 'claim' | 'insert'>

/**
 * Each record is a fact of its own: where it was consumed is its identity, and the facts' primary key. That the watermark
 * moves with the load is what keeps it from being loaded twice.
 *
 * A record that was sent again for a dead letter has the identity of that: sent twice, it is loaded once. Such ones, and only
 * these, claim a row of a table of keys, whose primary key admits one; like all keys they are claimed in order, and what was
 * not claimed is looked up in a second statement.
 */
export function eachRecord(stream: Definition, facts: FactStatements): Each {
  const { name, eventTime, fields, title } = stream
  const table = redrivenTable(stream)
  const time = columnName(fields, eventTime)
  const { stored } = storedColumns(stream)
  const claim = {
    name: `${name}: claim redriven`,
    text: `insert into warehouse.${table} (redrive_of, ${time}, source_partition, incarnation, source_offset)
           select * from unnest($1::text[], $2::timestamptz[], $3::int4[], $4::int4[], $5::int8[])
           on conflict do nothing`,
  }
  const find = {
    name: `${name}: find redriven`,
    text: `select k.redrive_of, t.source_offset is not null as "hasFact", (extract(epoch from k.${time}) * 1000000)::bigint as "heldAt",
                  ${readAs(stored, 't')}
           from warehouse.${table} k
           left join warehouse.${name} t on t.${time} = k.${time} and t.source_partition = k.source_partition
             and t.incarnation = k.incarnation and t.source_offset = k.source_offset
           where k.redrive_of = any($1::text[]) and k.xmin <> pg_current_xact_id()::xid`,
  }
  return {
    fields: [],
    of,
    place: (placed, _incarnation, firstOf) =>
      placed.map((fact) => {
        const first = firstOf(fact.offset)
        const origin = first && `${first.topic}:${first.partition}:${first.offset}:${first.incarnation}`
        const row = { ...fact.row, [REDRIVE_OF]: origin, [AT_OFFSET]: fact.offset }
        return { ...fact, identity: of(row), row }
      }),
    named: (row) => `${title} of dead letter ${of(row)}`,
    claim: async (client, firsts, { sourcePartition, incarnation }) => {
      const redriven = firsts.filter(({ row }) => row[REDRIVE_OF] !== undefined)
      if (redriven.length === 0) return new Map()
      const origins = texts(redriven.map(({ identity }) => identity))
      const { rowCount } = await client.query({
        ...claim,
        values: [
          origins,
          timestamps(redriven.map(({ row }) => row[eventTime] as number)),
          int4s(redriven.map(() => sourcePartition)),
          int4s(redriven.map(() => incarnation)),
          int8s(redriven.map(({ offset }) => offset)),
        ],
      })
      if (rowCount === redriven.length) return new Map()
      const { rows } = await client.query<Row & { redrive_of: string; hasFact: boolean; heldAt: number }>({
        ...find,
        values: [origins],
      })
      if ((rowCount ?? 0) + rows.length !== redriven.length)
        throw new Error(
          `of ${redriven.length} redriven records ${rowCount} were claimed and ${rows.length} found: they do not add up`,
        )
      return new Map(
        rows.map(({ redrive_of, hasFact, heldAt, ...row }) => [
          redrive_of,
          hasFact ? row : { [eventTime]: heldAt },
        ]),
      )
    },
    insert: async (client, fresh, origin) => {
      await facts.insert(client, fresh, origin)
    },
  }
}
