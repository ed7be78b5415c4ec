import { bigint, customType, sql, timestamp } from '../postgres/drizzle.ts'

/** Kinds of columns that the tables share. */

/**
 * Text that is part of a key: compared by code point, which is faster than a language's order and can't
 * be corrupted by another version of the system's locales.
 */
export const keyText = customType<{ data: string; config: { length: number } }>({
  dataType: (config) => `varchar(${config?.length}) collate "C"`,
})
export const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' })
/** Read as a JS date, in milliseconds: where microseconds count, read `${column}::text`. */
export const instant = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' })
/** Not drizzle's jsonb: it parses a JSON string a second time, and makes "1" a number. */
export const json = customType<{ data: unknown; driverData: string }>({
  dataType: () => 'jsonb',
  toDriver: (value) => JSON.stringify(value),
})
export const count = (name: string) => bigint(name, { mode: 'number' }).notNull().default(0)
export const offsetColumn = (name: string) => bigint(name, { mode: 'number' })
export const identity = () => bigint('id', { mode: 'number' }).generatedAlwaysAsIdentity()
export const oneOf = (column: string, values: readonly string[]) =>
  sql.raw(`"${column}" in (${values.map((value) => `'${value}'`).join(', ')})`)
