import type { Definition } from './definition.ts'
import { columnName, type Row } from './field.ts'
import { countedKey, isDeletion } from './stored.ts'

/**
 * Whether rows from before a field was declared can get its value from the log: those have null there, and nothing else
 * that is counted or told apart by it.
 */
export const isFillable = (definition: Definition, field: string): boolean =>
  whyNotFilled(definition, field) === undefined

/** The fields that can be filled, in the order of the declaration. */
export const fillableFields = (definition: Definition): string[] =>
  Object.keys(definition.fields).filter((field) => isFillable(definition, field))

/** The columns of these. */
export const fillableColumns = (definition: Definition): string[] =>
  fillableFields(definition).map((field) => columnName(definition.fields, field))

/** Why a field can't be filled, to go on after its name; undefined where it can be. */
export function whyNotFilled(definition: Definition, name: string): string | undefined {
  const { fields, derived = {}, rollups = {} } = definition
  const field = Object.hasOwn(fields, name) ? fields[name] : undefined
  if (field === undefined)
    return Object.hasOwn(derived, name)
      ? 'is derived: a replay without --fill brings it up to date'
      : `is no field of ${definition.name}`
  if (countedKey(definition).includes(name)) return 'is a part of the key: no row is without it'
  if (field.fallback !== undefined)
    return 'has a default, which rows from before have too: only what is null is filled'
  if (!field.isOptional) return 'is not optional: no row is without it'
  if (Object.values(rollups).some(({ by }) => by.includes(name)))
    return 'says which cell of a rollup a row is counted in: that never changes'
  return undefined
}

/**
 * Of a row and its record the fields that the row has no value of while the record does, as before they were declared:
 * what a fill gives it. None of a version that deletes.
 */
export function compileUnfilled(definition: Definition): (stored: Row, record: Row) => readonly string[] {
  const fields = fillableFields(definition)
  return (stored, record) =>
    isDeletion(record) ? [] : fields.filter((field) => stored[field] === null && record[field] !== null)
}
