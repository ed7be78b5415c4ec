import type { PgTable } from 'drizzle-orm/pg-core'
import type { Definition } from '../../etl/stream/definition.ts'
import { columnName, type Field, type Fields, type JsonSchema } from '../../etl/stream/field.ts'
import { getTableColumns } from '../../etl/postgres/drizzle.ts'
import { objectSchema, presenceOf, type Presence } from '../../etl/stream/json-schema.ts'
import { linesTable } from '../../etl/stream/columns.ts'
import { tablesOf } from '../../etl/stream/tables.ts'

/**
 * What a stream promises to those who write and read its records: a JSON Schema (draft 2020-12) of the message, with all
 * else under `x-stream`. It is the text of `contracts/<stream>.json`.
 */
export interface Contract {
  readonly $schema: string
  readonly $comment: string
  readonly title: string
  readonly type: 'object'
  readonly properties: Readonly<Record<string, unknown>>
  readonly required: readonly string[]
  readonly 'x-stream': {
    readonly name: string
    readonly key: string
    readonly eventTime: string
    readonly partitionBy?: string
    readonly identity: Readonly<Record<string, unknown>>
    readonly fields: Readonly<Record<string, DescribedField>>
    readonly derived: Readonly<Record<string, DescribedColumn>>
    readonly laterRules: readonly {
      readonly since: string
      readonly field: string
      readonly accepted: string
    }[]
    readonly rollups: Readonly<Record<string, DescribedRollup>>
  }
}

export interface DescribedColumn {
  readonly word: string
  readonly column: string
  readonly type: string
  /** What it is in code, with its unit. */
  readonly inCode: string
  readonly personal?: true
}

export interface DescribedField extends DescribedColumn {
  /** A path in the message, `the key` or `the header …`. */
  readonly at: string
  readonly presence: Presence
  /** Of rows: the fields of a line, in a table of their own. */
  readonly lines?: { readonly table: string; readonly fields: Readonly<Record<string, DescribedField>> }
  /** What it takes, where the message's own schema can't say it: of the key and of headers. */
  readonly schema?: JsonSchema
}

export interface DescribedRollup {
  readonly every: string
  readonly by: readonly string[]
  /** In words: `sum(amount) where is_fraud_flagged`. */
  readonly measures: Readonly<Record<string, string>>
}

/** The contract of a stream, of its declaration alone. */
export function contractOf(stream: Definition): Contract {
  const { name, title, fields, derived = {}, identity, eventTime, partitionBy, laterRules = [] } = stream
  const tables = tablesOf(stream)
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $comment: 'Written by npm run generate-contracts; fields that are not named here are not kept.',
    title,
    ...objectSchema(fields),
    'x-stream': {
      name,
      key: stream.topic.key,
      eventTime,
      ...(partitionBy !== undefined && { partitionBy }),
      identity: { ...identity },
      fields: describedFields(fields, typesOf(tables.facts), (field) => ({
        table: linesTable(name, field),
        types: typesOf(tables.lines[field]!),
      })),
      derived: Object.fromEntries(
        Object.keys(derived).map((field) => [field, describedColumn(derived, field, typesOf(tables.facts))]),
      ),
      laterRules: laterRules.map(({ since, field, accepted }) => ({
        since: since.toISOString(),
        field,
        accepted,
      })),
      rollups: Object.fromEntries(
        Object.entries(stream.rollups ?? {}).map(([rollup, { every, by, measures }]) => [
          rollup,
          { every, by, measures: mapValues(measures, measureInWords) },
        ]),
      ),
    },
  }
}

function describedColumn(fields: Fields, field: string, types: Types): DescribedColumn {
  const { kind, options } = fields[field]!
  return {
    word: kind.name,
    column: columnName(fields, field),
    type: types.get(field)!,
    inCode: kind.inCode,
    ...(options.personal === true && { personal: true as const }),
  }
}

type Types = ReadonlyMap<string, string>

function describedFields(
  fields: Fields,
  types: Types,
  linesOf?: (field: string) => { table: string; types: Types },
): Record<string, DescribedField> {
  return Object.fromEntries(
    Object.entries(fields).map(([field, word]) => {
      const { lines } = word.kind
      const its = lines && linesOf?.(field)
      return [
        field,
        {
          ...describedColumn(fields, field, types),
          at: placeOf(field, word),
          presence: presenceOf(word),
          ...(typeof word.options.at === 'object' && { schema: word.kind.schema }),
          ...(lines &&
            its && { lines: { table: its.table, fields: describedFields(lines.fields, its.types) } }),
        },
      ]
    }),
  )
}

function typesOf(table: PgTable): Types {
  return new Map(
    Object.entries(getTableColumns(table)).map(([field, column]) => [
      field,
      column.getSQLType().replace(' collate "C"', ''),
    ]),
  )
}

function placeOf(field: string, { options: { at = field } }: Field<unknown>): string {
  if (typeof at === 'string') return at
  if ('envelope' in at) return `${at.envelope} of the envelope`
  return 'key' in at ? 'the key' : `the header ${at.header}`
}

const measureInWords = (measure: {
  readonly measure: string
  readonly field?: string
  readonly where?: string
}): string =>
  `${measure.measure}(${measure.field ?? ''})${measure.where === undefined ? '' : ` where ${measure.where}`}`

const mapValues = <T, U>(record: Readonly<Record<string, T>>, map: (value: T) => U): Record<string, U> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]))

/** What a field of a contract takes, without null and default. */
export function schemaIn(contract: Contract, field: string): Readonly<Record<string, unknown>> {
  const { at, schema } = contract['x-stream'].fields[field]!
  return schema ?? schemaAt({ ...contract }, at)
}

/** What a place in an object of JSON Schema takes, without null and default. */
export function schemaAt(
  object: Readonly<Record<string, unknown>>,
  at: string,
): Readonly<Record<string, unknown>> {
  let found = object
  for (const part of at.split('.')) {
    const { properties } = found as { properties: Record<string, Readonly<Record<string, unknown>>> }
    const next = properties[part]!
    found = (next['anyOf'] as (typeof found)[] | undefined)?.[0] ?? next
  }
  return found
}
