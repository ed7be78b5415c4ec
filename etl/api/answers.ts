import { z } from 'zod'

/**
 * What the API's answers are made of: each schema checks an answer and describes it in the OpenAPI document. Those
 * with an id stand there once, by that name, so that generated clients have names too.
 */

export const count = z.int().min(0)
export const milliseconds = z.number().nullable()
export const list = <T extends z.ZodType>(items: T) => z.array(items).readonly()

const Problem = z.object({
  error: z.object({
    code: z.string().describe('For programs: invalid, refused, not_found …'),
    message: z.string().describe('For people: what is wrong and what to do.'),
  }),
})
z.globalRegistry.add(Problem, { id: 'Problem' })

/** Of every route. */
export const PROBLEMS = { '4xx': Problem, '5xx': Problem } as const

/** A page of a list; `next` is what `before` takes for the older ones, null at the end. */
export const pageSchema = <T extends z.ZodType>(items: T) =>
  z.object({ items: list(items), next: z.int().nullable() })
