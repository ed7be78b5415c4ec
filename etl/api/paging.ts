import { z } from 'zod'
import { id } from '../web/fields.ts'

/** How a list is asked for. */
export const paging = {
  limit: z.coerce.number().int().min(1).max(500).default(50),
  before: id.optional().describe('Those older than this one: `next` of the page before.'),
}

/** A page of what was read with one more than the limit. */
export function pageOf<T extends { readonly id: number }>(
  rows: readonly T[],
  limit: number,
): { items: T[]; next: number | null } {
  const items = rows.slice(0, limit)
  return { items, next: rows.length > limit ? items.at(-1)!.id : null }
}
