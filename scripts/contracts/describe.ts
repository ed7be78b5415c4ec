import type { Definition } from '../../etl/stream/definition.ts'
import { columnName, type Field, type Fields, type JsonSchema } from '../../etl/stream/field.ts'
import { getTableColumns } from '../../etl/postgres/drizzle.ts'
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
    readonly partitionBy: string
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
  readonly presence: 'required' | 'optional' | { readonly default: unknown }
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
  const types = columnTypes(stream)
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $comment: 'Written by npm run generate-contracts; fields that are not named here are not kept.',
    title,
    ...objectOf(fields),
    'x-stream': {
      name,
      key: stream.topic.key,
      eventTime,
      partitionBy,
      identity,
      fields: Object.fromEntries(
        Object.entries(fields).map(([field, word]) => [
          field,
          {
            ...describedColumn(fields, field, types),
            at: placeOf(field, word),
            presence: presenceOf(word),
            ...(typeof word.options.at === 'object' && { schema: word.kind.schema }),
          },
        ]),
      ),
      derived: Object.fromEntries(
        Object.keys(derived).map((field) => [field, describedColumn(derived, field, types)]),
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

function describedColumn(fields: Fields, field: string, types: ReadonlyMap<string, string>): DescribedColumn {
  const { kind, options } = fields[field]!
  return {
    word: kind.name,
    column: columnName(fields, field),
    type: types.get(field)!,
    inCode: kind.inCode,
    ...(options.personal === true && { personal: true as const }),
  }
}

function columnTypes(stream: Definition): ReadonlyMap<string, string> {
  const columns = getTableColumns(tablesOf(stream).facts)
  return new Map(
    Object.entries(columns).map(([field, column]) => [
      field,
      column.getSQLType().replace(' collate "C"', ''),
    ]),
  )
}

function placeOf(field: string, { options: { at = field } }: Field<unknown>): string {
  if (typeof at === 'string') return at
  return 'key' in at ? 'the key' : `the header ${at.header}`
}

function presenceOf({ isOptional, fallback, kind }: Field<unknown>): DescribedField['presence'] {
  if (fallback !== undefined) return { default: JSON.parse(kind.write(fallback)) as unknown }
  return isOptional ? 'optional' : 'required'
}

const measureInWords = (measure: {
  readonly measure: string
  readonly field?: string
  readonly where?: string
}): string =>
  `${measure.measure}(${measure.field ?? ''})${measure.where === undefined ? '' : ` where ${measure.where}`}`

const mapValues = <T, U>(record: Readonly<Record<string, T>>, map: (value: T) => U): Record<string, U> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]))

/** An object of JSON Schema with these fields, each where it stands; the record's key and headers are no part of it. */
function objectOf(fields: Fields) {
  const inValue = Object.entries(fields).flatMap(([field, word]) => {
    const { at = field } = word.options
    return typeof at === 'string' ? [{ path: at.split('.'), word }] : []
  })
  return nested(inValue)
}

interface Placed {
  readonly path: readonly string[]
  readonly word: Field<unknown>
}

function nested(placed: readonly Placed[]): {
  type: 'object'
  properties: Record<string, unknown>
  required: string[]
} {
  const required: string[] = []
  const properties: Record<string, unknown> = {}
  for (const [name, group] of Map.groupBy(placed, ({ path }) => path[0]!)) {
    const [first] = group as [Placed]
    const isLeaf = first.path.length === 1
    const mustBeThere = group.some(({ word }) => !word.isOptional && word.fallback === undefined)
    properties[name] = isLeaf
      ? schemaOf(first.word)
      : orNull(nested(group.map(({ path, word }) => ({ path: path.slice(1), word }))), !mustBeThere)
    if (mustBeThere) required.push(name)
  }
  return { type: 'object', properties, required }
}

function schemaOf(word: Field<unknown>): Readonly<Record<string, unknown>> {
  const { kind, options } = word
  const presence = presenceOf(word)
  return {
    ...orNull(kind.schema, word.isOptional),
    ...(typeof presence === 'object' && presence),
    ...(options.personal === true && { 'x-personal': true }),
  }
}

/** Null is as good as missing where a field is optional. */
function orNull(
  schema: Readonly<Record<string, unknown>>,
  isOptional: boolean,
): Readonly<Record<string, unknown>> {
  if (!isOptional) return schema
  const { description, ...rest } = schema
  return { anyOf: [rest, { type: 'null' }], ...(description !== undefined && { description }) }
}

/** What a field of a contract takes, without null and default. */
export function schemaIn(contract: Contract, field: string): Readonly<Record<string, unknown>> {
  const { at, schema } = contract['x-stream'].fields[field]!
  if (schema !== undefined) return schema
  let found: Readonly<Record<string, unknown>> = { ...contract }
  for (const part of at.split('.')) {
    const { properties } = found as { properties: Record<string, Readonly<Record<string, unknown>>> }
    const next = properties[part]!
    found = (next['anyOf'] as (typeof found)[] | undefined)?.[0] ?? next
  }
  return found
}
