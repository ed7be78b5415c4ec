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
  (options?: FieldOptions): Field<T, Name> =>
    new Field<T, Name>(kind as Kind<NonNullable<T>, Name>, options)
