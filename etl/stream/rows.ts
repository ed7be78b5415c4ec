import type { ClientBase } from 'pg'
import { int4s } from '../postgres/binary-arrays.ts'
import {
  arrays,
  columnsOf,
  encoded,
  keyNames,
  lineKey,
  linesTable,
  names,
  pick,
  values,
  type Keyed,
} from './columns.ts'
import type { Definition } from './definition.ts'
import type { Row } from './field.ts'
import { storedFields } from './stored.ts'
import type { Fact } from './types.ts'

/** A field of rows: lines that hang on the fact, or on the version in the history, in a table of their own. */
export interface Lines {
  readonly field: string
  readonly table: string
  /** The column of the facts that has their number. */
  readonly count: string
}

export const linesOf = ({ name, fields }: Pick<Keyed, 'name' | 'fields'>): readonly Lines[] =>
  Object.entries(fields).flatMap(([field, { kind, options }]) =>
    kind.lines === undefined
      ? []
      : [{ field, table: linesTable(name, field), count: options.column ?? field }],
  )

/** The statement about a field's lines. */
export interface LineStatements extends Lines {
  /**
   * Inserts the lines of facts that this transaction has just inserted, all in one statement. They are never changed.
   *
   * Why it is right with many workers: a line's key begins with its fact's or its version's, and whoever could insert the
   * same one has to have inserted that: the primary key admits one, whose transaction is this.
   *
   * @throws Error unless all of them were inserted.
   */
  insert(client: ClientBase, facts: readonly Fact[]): Promise<void>
}

export function compileLines(stream: Definition, lines: Lines): LineStatements {
  const { field, table } = lines
  const { fields } = stream.fields[field]!.kind.lines!
  const ofKey = pick(columnsOf(stream, storedFields(stream)), lineKey(stream))
  const ofLine = columnsOf({ ...stream, fields: { ...stream.fields, ...fields } }, fields)
  const columns = `${keyNames(stream).join(', ')}, line_no, ${names(ofLine)}`
  const insert = {
    name: `${stream.name}: insert ${field}`,
    text: `insert into warehouse.${table} (${columns})
           select ${values(ofKey, 'l')}, l.line_no, ${values(ofLine, 'l')}
           from unnest(${arrays(ofKey, 1)}, $${ofKey.length + 1}::int4[], ${arrays(ofLine, ofKey.length + 2)}) as l (${columns})`,
  }
  return {
    ...lines,
    insert: async (client, facts) => {
      const parents: Fact[] = []
      const numbers: number[] = []
      const rows: { row: Row }[] = []
      for (const fact of facts) {
        for (const [i, row] of ((fact.row[field] ?? []) as readonly Row[]).entries()) {
          parents.push(fact)
          numbers.push(i + 1)
          rows.push({ row })
        }
      }
      if (rows.length === 0) return
      const { rowCount } = await client.query({
        ...insert,
        values: [...encoded(ofKey, parents), int4s(numbers), ...encoded(ofLine, rows)],
      })
      if (rowCount !== rows.length)
        throw new Error(`of ${rows.length} lines of ${table} only ${rowCount} were inserted`)
    },
  }
}
