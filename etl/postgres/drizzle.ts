import { createRequire } from 'node:module'
import type * as PgCore from 'drizzle-orm/pg-core'
import type * as Orm from 'drizzle-orm'

/**
 * What we use of drizzle-orm; nothing else imports its values. It is required, not imported: for each of the
 * 390 imports inside it Node's ESM loader parses its package.json anew, 170 kB of exports, which takes 0.8
 * seconds at each start. Its CommonJS twin is there in 0.1. The types are the same.
 */
const require = createRequire(import.meta.url)
const core = require('drizzle-orm/pg-core') as typeof PgCore
const orm = require('drizzle-orm') as typeof Orm

export const {
  alias,
  bigint,
  boolean,
  check,
  customType,
  date,
  doublePrecision,
  index,
  integer,
  numeric,
  pgSchema,
  PgDatabase,
  PgDialect,
  PgPreparedQuery,
  PgSession,
  primaryKey,
  smallint,
  text,
  timestamp,
  unique,
  uniqueIndex,
  uuid,
} = core
export const {
  and,
  asc,
  count: countRows,
  desc,
  eq,
  exists,
  fillPlaceholders,
  getTableColumns,
  gt,
  gte,
  inArray,
  isNotNull,
  isNull,
  lt,
  lte,
  not,
  or,
  sql,
  sum,
} = orm

/** Not in its types: turns a row, values in the order of the fields, into an object. tests/integration/typed-statements.test.ts holds us to it. */
export const { mapResultRow } = orm as unknown as {
  mapResultRow: (fields: readonly unknown[], row: unknown[], nullable?: Record<string, boolean>) => unknown
}
