import { columnName, type Field, type Fields, type Row } from './field.ts'

/** A field as the statements have it. */
export interface Column {
  readonly field: string
  /** Its name in the warehouse. */
  readonly name: string
  readonly kind: Field<unknown>['kind']
  /** Of an amount: the column of its currency. */
  readonly currency: string | undefined
  /** `uuid[]`: the parameter that `encode` makes. */
  readonly array: string
  readonly encode: (rows: readonly { readonly row: Row }[]) => Buffer
}

/** @param all in which the currencies of amounts are found: the message's, for what is derived. */
export function columnsOf(fields: Fields, all: Fields = fields): readonly Column[] {
  return Object.entries(fields).map(([field, { kind }]) => ({
    field,
    name: columnName(fields, field),
    kind,
    currency: kind.of === undefined ? undefined : columnName(all, kind.of),
    array: `${kind.element}[]`,
    encode: (rows) => kind.encode(rows.map(({ row }) => row[field] ?? null)),
  }))
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
  columns
    .map(({ field, name, kind, currency }) => {
      const read = kind.read(`${table}.${name}`, currency === undefined ? undefined : `${table}.${currency}`)
      return `${read} as "${field}"`
    })
    .join(', ')

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
    if (a === undefined || b === undefined) return false
    return a === null || b === null ? a !== b : !kind.equal(a, b)
  })
}
