import type { PgColumnBuilderBase, PgTable } from 'drizzle-orm/pg-core'
import { check, index, integer, numeric, pgSchema, primaryKey, sql, text } from '../postgres/drizzle.ts'
import { count, identity as factId, instant, offsetColumn } from '../schema/columns.ts'
import type { Definition } from './definition.ts'
import { columnName, type Field, type Fields } from './field.ts'
import { identityFields } from './define.ts'
import { linesOf, type Lines } from './rows.ts'

export const warehouse = pgSchema('warehouse')

/** The tables of a stream: of facts, of keys where its identity has one, of each field of rows, and of each rollup. */
export interface StreamTables {
  readonly facts: PgTable
  readonly keys: PgTable | undefined
  /** By their field. */
  readonly lines: Readonly<Record<string, PgTable>>
  readonly rollups: Readonly<Record<string, PgTable>>
}

/**
 * The tables that a declaration means, as drizzle knows tables; partitions, rights and functions are the
 * migrations' own.
 */
export function tablesOf(stream: Definition): StreamTables {
  return {
    facts: factTable(stream),
    keys: keyTable(stream),
    lines: Object.fromEntries(linesOf(stream).map((lines) => [lines.field, lineTable(stream, lines)])),
    rollups: Object.fromEntries(
      Object.keys(stream.rollups ?? {}).map((name) => [name, rollupTable(stream, name)]),
    ),
  }
}

/** The facts. Partitioned by month (in the migration). */
function factTable(stream: Definition): PgTable {
  const { name, fields, derived = {}, eventTime, indexes = {} } = stream
  return warehouse.table(
    name,
    {
      id: factId(),
      processed_at: instant('processed_at').notNull().defaultNow(),
      source_offset: offsetColumn('source_offset').notNull(),
      source_partition: integer('source_partition').notNull(),
      incarnation: integer('incarnation').notNull(),
      ...columns(packed({ ...fields, ...derived })),
      batch_id: text('batch_id').notNull(),
    },
    (table: Record<string, unknown>) => [
      primaryKey({
        name: `${name}_pkey`,
        columns: [eventTime, ...identityFields(stream.identity)].map((field) => table[field]) as never,
      }),
      ...Object.entries(indexes).map(([end, { on, where }]) => {
        const made = index(`${name}_${end}`).on(table[on] as never)
        return where === undefined ? made : made.where(sql.raw(columnName(derived, where)))
      }),
      ...checks(name, fields, true),
      ...checks(name, derived, false),
    ],
  )
}

/** Claims an identity for the whole warehouse: a unique key over the facts would have to contain their time. */
function keyTable({ fields, eventTime, identity }: Definition): PgTable | undefined {
  if (identity.scope !== 'warehouse') return undefined
  const names = identityFields(identity)
  const own = Object.fromEntries([...names, eventTime].map((name) => [name, fields[name]!]))
  const [only] = names
  if (names.length === 1)
    return warehouse.table(identity.keys, {
      ...columns(own),
      [only!]: (columns(own)[only!] as AnyBuilder).primaryKey(),
    })
  return warehouse.table(identity.keys, columns(own), (table) => [
    primaryKey({ name: `${identity.keys}_pkey`, columns: names.map((name) => table[name]!) as never }),
  ])
}

/**
 * The table of the lines of a field: the fact's primary key, with its event time, by which it is partitioned as the facts
 * are (in the migration), and the number of the line.
 */
function lineTable(stream: Definition, { field, table: name }: Lines): PgTable {
  const { fields } = stream.fields[field]!.kind.lines!
  const inKey = [stream.eventTime, ...identityFields(stream.identity)]
  const key = Object.fromEntries(inKey.map((part) => [part, stream.fields[part]!]))
  return warehouse.table(
    name,
    { ...columns(key), line_no: integer('line_no').notNull(), ...columns(packed(fields)) },
    (table: Record<string, unknown>) => [
      primaryKey({
        name: `${name}_pkey`,
        columns: [...inKey, 'line_no'].map((part) => table[part]) as never,
      }),
      ...checks(name, fields, true),
    ],
  )
}

/**
 * Sums by time. The partition is part of the key, so that workers on different partitions never wait for each
 * other's rows. Sums have no precision: an overflow would blame an innocent record.
 */
function rollupTable({ fields, rollups = {} }: Definition, name: string): PgTable {
  const { every, by, measures } = rollups[name]!
  return warehouse.table(
    name,
    {
      [every]: instant(every).notNull(),
      source_partition: integer('source_partition').notNull(),
      ...columns(Object.fromEntries(by.map((field) => [field, fields[field]!]))),
      ...Object.fromEntries(
        Object.entries(measures).map(([measure, { measure: kind }]) => [
          measure,
          kind === 'count' ? count(measure) : numeric(measure).notNull().default('0'),
        ]),
      ),
    },
    (table) => [
      primaryKey({
        name: `${name}_pkey`,
        columns: [every, 'source_partition', ...by].map((part) => table[part]!) as never,
      }),
    ],
  )
}

/** Columns that begin at multiples of eight bytes come first, so that none of a row is filled up. */
function packed(fields: Fields): Fields {
  const order = ['timestamptz', 'int8', 'uuid', 'int4', 'bool', 'numeric', 'text']
  const place = ([, { kind }]: [string, Field<unknown>]) => order.indexOf(kind.element)
  return Object.fromEntries(Object.entries(fields).toSorted((a, b) => place(a) - place(b)))
}

function columns(fields: Fields): Record<string, PgColumnBuilderBase> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [name, columnFor(columnName(fields, name), field)]),
  )
}

/** What a builder of a column has, whatever its type is. */
interface AnyBuilder extends PgColumnBuilderBase {
  notNull(): AnyBuilder
  default(value: unknown): AnyBuilder
  primaryKey(): AnyBuilder
}

function columnFor(column: string, { kind, isOptional, fallback }: Field<unknown>): PgColumnBuilderBase {
  const made = kind.column(column) as AnyBuilder
  if (fallback !== undefined) return made.notNull().default(kind.toColumn(fallback))
  return isOptional ? made : made.notNull()
}

function checks(table: string, fields: Fields, ofMessages: boolean) {
  return Object.entries(fields).flatMap(([name, { kind }]) => {
    if (kind.check === undefined || (kind.check.ofMessages === true && !ofMessages)) return []
    const column = columnName(fields, name)
    const ending = kind.check.suffix === undefined ? '' : `_${kind.check.suffix}`
    return [check(`${table}_${column}${ending}`, sql.raw(kind.check.condition(column)))]
  })
}
