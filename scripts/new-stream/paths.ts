import type { JsonObject } from '../../etl/stream/json.ts'

/** What stands at one place of the messages of a sample. */
export interface Place {
  /** As the option `at` has it: names of objects, with dots between them. */
  readonly path: string
  /** Neither missing nor null, in the order of the sample. */
  readonly values: readonly unknown[]
  /** In how many messages it is missing or null. */
  readonly missing: number
}

/** Objects are looked into as deep as this; what is deeper is JSON. */
const MAX_DEPTH = 6
/** An object with more names than this is a map, not a record. */
const MAX_NAMES = 60

/**
 * Every place of these messages that holds a value, in the order in which they are first seen. Objects are looked into,
 * lists are not.
 *
 * @returns also the paths of what can't be said by a path, as a name has a dot or is empty.
 */
export function placesOf(messages: readonly JsonObject[]): {
  places: readonly Place[]
  unnamed: readonly string[]
} {
  const places: Place[] = []
  const unnamed: string[] = []
  walk(messages, '', 1)
  return { places, unnamed }

  function walk(objects: readonly JsonObject[], prefix: string, depth: number): void {
    for (const name of new Set(objects.flatMap((object) => Object.keys(object)))) {
      const path = `${prefix}${name}`
      if (name === '' || name.includes('.')) {
        unnamed.push(path)
        continue
      }
      const values = objects
        .map((object) => (Object.hasOwn(object, name) ? object[name] : undefined))
        .filter((value) => value !== undefined && value !== null)
      if (values.length > 0 && depth < MAX_DEPTH && values.every(isObject) && isRecord(values))
        walk(values, `${path}.`, depth + 1)
      else places.push({ path, values, missing: messages.length - values.length })
    }
  }
}

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && value.constructor === Object

/** Whether its names are those of fields: few, and mostly the same in each. Else they are values themselves. */
export function isRecord(objects: readonly JsonObject[]): boolean {
  const counts = new Map<string, number>()
  for (const object of objects)
    for (const name of Object.keys(object)) counts.set(name, (counts.get(name) ?? 0) + 1)
  if (counts.size === 0 || counts.size > MAX_NAMES) return false
  if ([...counts.keys()].some((name) => name === '' || name.includes('.'))) return false
  const share = [...counts.values()].reduce((sum, count) => sum + count / objects.length, 0) / counts.size
  return objects.length < 5 || share > 0.2
}
