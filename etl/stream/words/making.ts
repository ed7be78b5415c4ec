import { excerpt } from '../../text/excerpt.ts'
import { Field, type FieldOptions, type Kind, type KindName } from '../field.ts'

/** What the words have in common. */

/** The error of a rule, made when a value breaks it and never before: the good record is the fast one. */
export function must(accepted: string) {
  return { error: (issue: { readonly input?: unknown }) => broken(issue.input, accepted) }
}

export function broken(value: unknown, accepted: string): string {
  return `is ${excerpt(value)}; it must be ${accepted}`
}

export const quoted = (value: string): string => JSON.stringify(value)
export const same = <T>(a: T, b: T): boolean => a === b
export const asItIs = (column: string): string => column

/** A word without options of its own. */
export const make =
  <T, Name extends KindName>(kind: Kind<T, Name>) =>
  // NoInfer: whether it is personal is what the options say, and not what is expected of the word.
  <Personal extends boolean = false>(options?: FieldOptions<Personal>): Field<T, Name, NoInfer<Personal>> =>
    new Field<T, Name, NoInfer<Personal>>(kind as Kind<NonNullable<T>, Name>, options)

/** Of JSON Schema, for decimals in strings. */
export const DECIMAL_PATTERN = String.raw`^-?[0-9]+(\.[0-9]+)?$`
