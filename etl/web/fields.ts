import { z } from 'zod'

/** Fields of forms, addresses and the API, which are text there. */

/** The number of a dead letter, an action or a run. */
export const id = z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER)
export const idInPath = z.object({ id })

/** An offset, a partition, a count. */
export const wholeNumber = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER)

/** Why an operator does something. */
export const reason = z.string().trim().min(1, 'say why, for whoever reads it in a year').max(500)

/** The same where it may be left empty. */
export const optionalReason = z
  .string()
  .trim()
  .max(500)
  .transform((text) => (text === '' ? undefined : text))
  .optional()
