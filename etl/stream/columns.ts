import type { Definition } from './definition.ts'
import { columnName, type Field, type Fields, type Row } from './field.ts'

/** What a stream's tables are named and keyed by. */
export type Keyed = Pick<Definition, 'name' | 'fields' | 'eventTime' | 'identity'>

/** A field as the statements have it. */
export interface Column {
  readonly field: string
  /** Its name in the warehouse. */
  readonly name: string
  readonly kind: Field<unknown>['kind']
  /** `uuid[]`: the parameter that `encode` makes. */
  readonly array: string
  readonly encode: (rows: readonly { readonly row: Row }[]) => Buffer
  /** SQL for its value, in the units of its word, of a row of this table. */
  readonly read: (table: string) => string
}

/** @param fields the message's, or what is derived. */
export function columnsOf(stream: Keyed, fields: Fields = stream.fields): readonly Column[] {
  return Object.entries(fields).map(([field, { kind }]) => {
    const name = columnName(fields, field)
    const currency = kind.of === undefined ? undefined : columnName(stream.fields, kind.of)
    return {
      field,
      name,
      kind,
      array: `${kind.element}[]`,
      encode: (rows) => kind.encode(rows.map(({ row }) => row[field] ?? null)),
      read:
        kind.lines === undefined
          ? (table) => kind.read(`${table}.${name}`, currency && `${table}.${currency}`)
          : (table) => readLines(stream, field, table),
    }
  })
}

/** What orders the versions of a stream that is ordered by its log; columns of these names. */
export const LOG_VERSION = ['log_incarnation', 'log_offset'] as const

/** The fields that are the primary key of facts or of the history of versions, and begin that of their lines. */
export function lineKey({ eventTime, identity }: Keyed): string[] {
  if (identity.latest !== undefined)
    return [identity.latest, identity.by === 'log' ? LOG_VERSION : identity.by].flat()
  return [eventTime, identity.once ?? []].flat()
}

/** The columns of `lineKey`. */
export const keyNames = (stream: Keyed): string[] =>
  lineKey(stream).map((field) => (field in stream.fields ? columnName(stream.fields, field) : field))

/** The table of the lines of a field of rows. */
export const linesTable = (stream: string, field: string): string => `${stream}_${field}`

/** The lines of a row of facts as JSON, which pg reads as what they are in code: an array of rows. */
function readLines(stream: Keyed, field: string, table: string): string {
  const { fields } = stream.fields[field]!.kind.lines!
  const pairs = Object.entries(fields).map(([name, { kind }]) => {
    const currency =
      kind.of === undefined
        ? undefined
        : kind.of in fields
          ? `l.${columnName(fields, kind.of)}`
          : `${table}.${columnName(stream.fields, kind.of)}`
    return `'${name}', ${kind.read(`l.${columnName(fields, name)}`, currency)}`
  })
  const key = keyNames(stream).map((name) => `l.${name} = ${table}.${name}`)
  return `case when ${table}.${columnName(stream.fields, field)} is not null then coalesce(
    (select json_agg(json_build_object(${pairs.join(', ')}) order by l.line_no)
     from warehouse.${linesTable(stream.name, field)} l where ${key.join(' and ')}), '[]') end`
}

/** `t.amount, t.currency, …`; without a table `amount, currency, …`. */
export const names = (columns: readonly Column[], table?: string): string =>
  columns.map(({ name }) => (table === undefined ? name : `${table}.${name}`)).join(', ')

/** As `names`, of rows of `arrays`: in the columns' own types. */
export const values = (columns: readonly Column[], table: string): string =>
  columns
    .map(({ name, kind }) => `${table}.${name}${kind.cast === undefined ? '' : `::${kind.cast}`}`)
    .join(', ')

/** `$4::numeric[], $5::text[], …`: what unnest takes, where `encoded` are the parameters from this one on. */
export const arrays = (columns: readonly Column[], first: number): string =>
  columns.map(({ array }, i) => `$${first + i}::${array}`).join(', ')

/** The parameters of `arrays`. */
export const encoded = (columns: readonly Column[], rows: readonly { readonly row: Row }[]): Buffer[] =>
  columns.map(({ encode }) => encode(rows))

/** To select of a table: a row has the columns by their fields, in the units of their words. */
export const readAs = (columns: readonly Column[], table: string): string =>
  columns.map(({ field, read }) => `${read(table)} as "${field}"`).join(', ')

/** The columns of these fields, in the fields' order. */
export const pick = (columns: readonly Column[], fields: readonly string[]): Column[] =>
  fields.map((field) => columns.find((column) => column.field === field)!)

/** That two rows have the same key. */
export const sameKey = (columns: readonly Column[], one: string, other: string): string =>
  columns.map(({ name }) => `${one}.${name} = ${other}.${name}`).join(' and ')

/** Which of these columns differ between two rows; what one of them doesn't have isn't compared. */
export function differing(columns: readonly Column[], one: Row, other: Row): Column[] {
  return columns.filter(({ field, kind }) => {
    const [a, b] = [one[field], other[field]]
    return a !== undefined && b !== undefined && differs(kind, a, b)
  })
}

/** Whether two values of a word differ; null is only like null. */
export const differs = (kind: Field<unknown>['kind'], a: unknown, b: unknown): boolean =>
  a === null || b === null ? a !== b : !kind.equal(a as object, b as object)
