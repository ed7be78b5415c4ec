import type { FieldOptions } from '../../etl/stream/field.ts'
import { rows } from '../../etl/stream/words.ts'
import type { GuessedField } from './choose.ts'
import { guessWord, type Word } from './guess-word.ts'
import { Names, snake } from './names.ts'
import { isObject, isRecord, placesOf, type Place } from './paths.ts'

/** As many lines of a record as `rows` takes unless told. */
const MOST_LINES = 1_000
const TABLE = /^[a-z][a-z0-9_]{0,30}$/

/** A word whose values are lines. */
export interface RowsWord extends Word {
  readonly lines: readonly GuessedField[]
}

/**
 * Lists of objects that have the same names again and again, as the lines of an order: a table of their own.
 *
 * @param stream its name, with which the table's begins.
 * @param columns those of the records, which lines can't have.
 * @returns undefined where they are no such lists, or hold what no word takes.
 */
export function guessRows(
  stream: string,
  field: string,
  { values, path }: Place,
  columns: readonly string[],
): RowsWord | undefined {
  if (!values.every((value): value is readonly unknown[] => Array.isArray(value))) return undefined
  const items = values.flat()
  if (items.length === 0 || !items.every(isObject) || !isRecord(items)) return undefined
  if (values.some(({ length }) => length > MOST_LINES) || !TABLE.test(`${stream}_${field}`)) return undefined
  const { places, unnamed } = placesOf(items)
  const names = new Names(field, [...columns, 'line_no'])
  const lines = places.flatMap((place): GuessedField[] => {
    const word = place.values.length === 0 ? undefined : guessWord(`${path}.${place.path}`, place.values)
    if (word === undefined) return []
    return [fieldAt(place, names.name(place.path), word)]
  })
  // What a line says and no field takes would be lost; as JSON it is kept whole.
  if (lines.length < places.length || unnamed.length > 0) return undefined
  // No line is a list of lines: guessWord has no such word.
  const ofLine = fieldsOf(lines) as Parameters<typeof rows>[0]
  const make = (options: FieldOptions) => rows(ofLine, options)
  if (!values.every((value) => make({}).kind.wire.safeParse(value).success)) return undefined
  return { name: 'rows', first: [], own: {}, make, lines, guess: 'lines, in a table of their own' }
}

/** The field of a place. */
export const fieldAt = (
  { path, missing }: Place,
  { field, column }: { readonly field: string; readonly column: string },
  word: Word,
): GuessedField => ({
  ...word,
  field,
  path,
  ...(field !== path && { at: path }),
  ...(column !== field && { column }),
  isOptional: missing > 0,
  missing,
})

/** The declared fields of what was guessed. */
export const fieldsOf = (fields: readonly GuessedField[]) =>
  Object.fromEntries(
    fields.map(({ field, at, column, isOptional, make }) => {
      const made = make({
        ...(at !== undefined && at !== 'key()' && { at }),
        ...(column !== undefined && { column }),
      })
      return [field, isOptional ? made.optional() : made] as const
    }),
  )

/** Of places the columns that their names would give. */
export const columnsAt = (places: readonly Place[]): string[] => places.map(({ path }) => snake(path))
