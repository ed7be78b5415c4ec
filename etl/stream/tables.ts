import type { PgColumnBuilderBase, PgTable } from 'drizzle-orm/pg-core'
import { check, index, integer, numeric, pgSchema, primaryKey, sql, text } from '../postgres/drizzle.ts'
import { count, identity as factId, instant, offsetColumn } from '../schema/columns.ts'
import type { Definition } from './definition.ts'
import { columnName, type Field, type Fields } from './field.ts'
import { identityFields } from './define.ts'
import { lineKey } from './columns.ts'
import { linesOf, type Lines } from './rows.ts'
import {
  countedKey,
  countedTable,
  DELETED_AT,
  floorColumn,
  isEach,
  isLatest,
  namesBatch,
  redrivenTable,
  storedFields,
  versionFields,
} from './stored.ts'

export const warehouse = pgSchema('warehouse')

/**
 * The tables of a stream: of what is counted, of keys or current rows where its identity has them, of each field of rows, of
 * each rollup.
 */
export interface StreamTables {
  /** The facts, or the history of versions. */
  readonly facts: PgTable
  readonly current: PgTable | undefined
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
    facts: isLatest(stream) ? versionTable(stream, 'history') : factTable(stream),
    current: isLatest(stream) ? versionTable(stream, 'current') : undefined,
    keys: keyTable(stream),
    lines: Object.fromEntries(linesOf(stream).map((lines) => [lines.field, lineTable(stream, lines)])),
    rollups: Object.fromEntries(
      Object.keys(stream.rollups ?? {}).map((name) => [name, rollupTable(stream, name)]),
    ),
  }
}

/** The facts. Partitioned by month (in the migration). */
function factTable(stream: Definition): PgTable {
  const { name, fields, derived = {} } = stream
  const ofBatch = batchColumns(stream)
  return warehouse.table(
    name,
    {
      ...ofBatch.before,
      source_offset: offsetColumn('source_offset').notNull(),
      source_partition: integer('source_partition').notNull(),
      incarnation: integer('incarnation').notNull(),
      ...columns(packed({ ...fields, ...derived })),
      ...ofBatch.after,
    },
    (table: Record<string, unknown>) => [
      primaryKey({
        name: `${name}_pkey`,
        columns: countedKey(stream).map((field) => table[field]) as never,
      }),
      ...indexesOf(stream, table),
      ...checks(name, fields, true),
      ...checks(name, derived, false),
    ],
  )
}

/** Columns in front of the others, and behind them. */
function batchColumns(
  stream: Definition,
): Record<'before' | 'after', Readonly<Record<string, PgColumnBuilderBase>>> {
  if (!namesBatch(stream)) return { before: {}, after: {} }
  return {
    before: { id: factId(), processed_at: instant('processed_at').notNull().defaultNow() },
    after: { batch_id: text('batch_id').notNull() },
  }
}

function indexesOf({ name, derived = {}, indexes = {} }: Definition, table: Record<string, unknown>) {
  return Object.entries(indexes).map(([end, { on, where }]) => {
    const made = index(`${name}_${end}`).on(table[on] as never)
    return where === undefined ? made : made.where(sql.raw(columnName(derived, where)))
  })
}

/**
 * Versions: all of them, once each, or the newest of each key. A version that deletes its key has none but that, its
 * version and its time.
 */
function versionTable(stream: Definition, what: 'history' | 'current'): PgTable {
  const { fields, derived = {} } = stream
  const name = what === 'history' ? countedTable(stream) : stream.name
  const key = what === 'history' ? countedKey(stream) : identityFields(stream.identity)
  const always = [...countedKey(stream), stream.eventTime]
  const all = { ...storedFields(stream), ...derived }
  const columnOf = (field: string) => columnName(all, field)
  const complete = Object.entries({ ...fields, ...derived })
    .filter(([field, { isOptional }]) => !always.includes(field) && !isOptional)
    .map(([field]) => columnOf(field))
  const isComplete = `${DELETED_AT} is not null or num_nulls(${complete.join(', ')}) = 0`
  return warehouse.table(
    name,
    {
      source_offset: offsetColumn('source_offset').notNull(),
      source_partition: integer('source_partition').notNull(),
      incarnation: integer('incarnation').notNull(),
      ...(what === 'current' ? floors(stream) : {}),
      ...columns(packed(all), (field) => !always.includes(field)),
    },
    (table: Record<string, unknown>) => [
      primaryKey({ name: `${name}_pkey`, columns: key.map((field) => table[field]) as never }),
      ...(what === 'current' ? indexesOf(stream, table) : []),
      ...checks(name, fields, true),
      ...checks(name, derived, false),
      ...(complete.length === 0 ? [] : [check(`${name}_complete`, sql.raw(isComplete))]),
    ],
  )
}

/** Null as long as nothing of a key was pruned. */
function floors(stream: Definition): Record<string, PgColumnBuilderBase> {
  const all = storedFields(stream)
  return Object.fromEntries(
    versionFields(stream).map((field) => {
      const column = floorColumn(columnName(all, field))
      return [column, all[field]!.kind.column(column)]
    }),
  )
}

/** Claims an identity for the whole warehouse: a unique key over the facts would have to contain their time. */
function keyTable(stream: Definition): PgTable | undefined {
  const { fields, eventTime, identity } = stream
  if (isEach(stream))
    return warehouse.table(redrivenTable(stream), {
      redrive_of: text('redrive_of').primaryKey(),
      ...columns({ [eventTime]: fields[eventTime]! }),
      source_offset: offsetColumn('source_offset').notNull(),
      source_partition: integer('source_partition').notNull(),
      incarnation: integer('incarnation').notNull(),
    })
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
 * are (in the migration), or that of the version in the history; and the number of the line.
 */
function lineTable(stream: Definition, { field, table: name }: Lines): PgTable {
  const { fields } = stream.fields[field]!.kind.lines!
  const inKey = lineKey(stream)
  const stored = storedFields(stream)
  const key = Object.fromEntries(inKey.map((part) => [part, stored[part]!]))
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

/** @param mayBeNull beside those that may be missing in a message. */
function columns(
  fields: Fields,
  mayBeNull: (field: string) => boolean = () => false,
): Record<string, PgColumnBuilderBase> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [
      name,
      columnFor(columnName(fields, name), field, mayBeNull(name)),
    ]),
  )
}

/** What a builder of a column has, whatever its type is. */
interface AnyBuilder extends PgColumnBuilderBase {
  notNull(): AnyBuilder
  default(value: unknown): AnyBuilder
  primaryKey(): AnyBuilder
}

function columnFor(
  column: string,
  { kind, isOptional, fallback }: Field<unknown>,
  mayBeNull: boolean,
): PgColumnBuilderBase {
  const plain = kind.column(column) as AnyBuilder
  const made = fallback === undefined ? plain : plain.default(kind.toColumn(fallback))
  return isOptional || mayBeNull ? made : made.notNull()
}

function checks(table: string, fields: Fields, ofMessages: boolean) {
  return Object.entries(fields).flatMap(([name, { kind }]) => {
    if (kind.check === undefined || (kind.check.ofMessages === true && !ofMessages)) return []
    const column = columnName(fields, name)
    const ending = kind.check.suffix === undefined ? '' : `_${kind.check.suffix}`
    return [check(`${table}_${column}${ending}`, sql.raw(kind.check.condition(column)))]
  })
}
