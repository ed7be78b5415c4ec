import { sql } from 'drizzle-orm'
import { bigint, customType, timestamp } from 'drizzle-orm/pg-core'

/** Kinds of columns that the tables share. */

/**
 * Text that is part of a key: compared by code point, which is faster than a language's order and can't
 * be corrupted by another version of the system's locales.
 */
export const keyText = customType<{ data: string; config: { length: number } }>({
  dataType: (config) => `varchar(${config?.length}) collate "C"`,
})
export const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' })
/** Postgres resolves timestamps to microseconds; read as text, since a JS date would lose three digits. */
export const instant = (name: string) => timestamp(name, { withTimezone: true, mode: 'string' })
export const count = (name: string) => bigint(name, { mode: 'number' }).notNull().default(0)
export const offsetColumn = (name: string) => bigint(name, { mode: 'number' })
export const identity = () => bigint('id', { mode: 'number' }).generatedAlwaysAsIdentity()
export const oneOf = (column: string, values: readonly string[]) =>
  sql.raw(`"${column}" in (${values.map((value) => `'${value}'`).join(', ')})`)
