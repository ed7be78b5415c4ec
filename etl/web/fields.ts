import { z } from 'zod'

/** Fields of forms, addresses and the API, which are text there. */

/** The number of a dead letter, an action or a run. */
export const id = z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER)
export const idInPath = z.object({ id })

/** How a list is asked for. */
export const paging = {
  limit: z.coerce.number().int().min(1).max(500).default(50),
  before: id.optional().describe('Those older than this one: `next` of the page before.'),
}

/** A page of a list, and where the older ones begin: null where there are none. */
export interface Page<T, Place = number> {
  readonly items: T[]
  readonly next: Place | null
}

/** @param rows read with one more than the limit. */
export function pageOf<T, Place>(
  rows: readonly T[],
  limit: number,
  placeOf: (last: T) => Place,
): Page<T, Place> {
  const items = rows.slice(0, limit)
  return { items, next: rows.length > limit ? placeOf(items.at(-1)!) : null }
}
export const byId = (row: { readonly id: number }): number => row.id

/** An offset, a partition, a count. */
export const wholeNumber = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER)

/** What a form sends for a field that was left empty counts as not given. */
export const orEmpty = <T extends z.ZodType>(field: T) =>
  z.preprocess((value) => (value === '' ? undefined : value), field.optional())

/** What a datetime-local field sends has neither seconds nor a zone: it is UTC. */
export const asUtc = (value: unknown): unknown =>
  typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d$/.test(value) ? `${value}:00Z` : value

export const reason = z.string().trim().min(1, 'say why, for whoever reads it in a year').max(500)

/** A reason that may be left empty. */
export const optionalReason = z
  .string()
  .trim()
  .max(500)
  .transform((text) => (text === '' ? undefined : text))
  .optional()
