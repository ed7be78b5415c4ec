import type { Field, Fields } from './field.ts'

/** JSON Schema (draft 2020-12) of messages, from the schemas of their words. */

type Schema = Readonly<Record<string, unknown>>

export interface ObjectSchema {
  readonly type: 'object'
  readonly properties: Readonly<Record<string, Schema>>
  readonly required: readonly string[]
}

/** Whether a field must be there, and what it is where it may be missing. */
export type Presence = 'required' | 'optional' | { readonly default: unknown }

export function presenceOf({ isOptional, fallback, kind }: Field<unknown>): Presence {
  if (fallback !== undefined) return { default: JSON.parse(kind.write(fallback)) as unknown }
  return isOptional ? 'optional' : 'required'
}

/** An object with these fields, each where it stands; the record's key and headers are no part of it. */
export function objectSchema(fields: Fields): ObjectSchema {
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

function nested(placed: readonly Placed[]): ObjectSchema {
  const required: string[] = []
  const properties: Record<string, Schema> = {}
  for (const [name, group] of Map.groupBy(placed, ({ path }) => path[0]!)) {
    const [first] = group as [Placed]
    const mustBeThere = group.some(({ word }) => presenceOf(word) === 'required')
    properties[name] =
      first.path.length === 1
        ? schemaOf(first.word)
        : orNull({ ...nested(group.map(({ path, word }) => ({ path: path.slice(1), word }))) }, !mustBeThere)
    if (mustBeThere) required.push(name)
  }
  return { type: 'object', properties, required }
}

function schemaOf(word: Field<unknown>): Schema {
  const { kind, options } = word
  const presence = presenceOf(word)
  return {
    ...orNull(kind.schema, word.isOptional),
    ...(typeof presence === 'object' && presence),
    ...(options.personal === true && { 'x-personal': true }),
  }
}

/** Null is as good as missing where a field is optional. */
function orNull(schema: Schema, isOptional: boolean): Schema {
  if (!isOptional) return schema
  const { description, ...rest } = schema
  return { anyOf: [rest, { type: 'null' }], ...(description !== undefined && { description }) }
}
