import type { Definition } from './definition.ts'
import { columnName, type Fields } from './field.ts'
import { linesOf } from './rows.ts'
import { countedTable, isLatest } from './stored.ts'

/** A column that says something about a person. */
export interface PersonalColumn {
  readonly table: string
  readonly column: string
  /** What takes the place of a value: null where a message may do without it. */
  readonly marker: string | null
}

/** The personal columns of a stream's tables: of what is counted and of current rows, and of lines. */
export function personalColumns(stream: Definition): readonly PersonalColumn[] {
  const { name, fields, derived = {} } = stream
  const tables = [countedTable(stream), ...(isLatest(stream) ? [name] : [])]
  return [
    ...tables.flatMap((table) => [...inTable(table, fields), ...inTable(table, derived)]),
    ...linesOf(stream).flatMap(({ table, field }) => {
      const { kind, options } = fields[field]!
      return inTable(table, kind.lines!.fields, options.personal === true)
    }),
  ]
}

const inTable = (table: string, of: Fields, all = false): PersonalColumn[] =>
  Object.entries(of).flatMap(([field, { kind, options, isOptional }]) =>
    kind.lines === undefined && (all || options.personal === true)
      ? [{ table, column: columnName(of, field), marker: isOptional ? null : kind.marker }]
      : [],
  )

/** The personal fields of a record and of what is derived of it: of lines the field that has them. */
export function personalFields(stream: Definition): readonly string[] {
  const all = { ...stream.fields, ...stream.derived }
  return Object.entries(all).flatMap(([field, { kind, options }]) =>
    options.personal === true ||
    Object.values(kind.lines?.fields ?? {}).some((line) => line.options.personal === true)
      ? [field]
      : [],
  )
}
