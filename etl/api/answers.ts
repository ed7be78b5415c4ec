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

/** Where a route finds what it is asked, each with the schema that checks it. */
type Takes = Partial<Record<'params' | 'querystring' | 'body', z.ZodType>>

interface Route<Status extends number, Answer, T> {
  config: { access: 'view' | 'act' }
  /** NoInfer: what Fastify would take of a schema says nothing of what is given, and would hide what the answer is. */
  schema: NoInfer<T> & {
    tags: string[]
    summary: string
    response: Record<Status, Answer> & Record<'4xx' | '5xx', typeof Problem>
  }
}

const describer =
  <Status extends number>(tag: string, access: 'view' | 'act', status: Status) =>
  <Answer, T extends Takes = object>(
    summary: string,
    answer: Answer,
    takes?: T,
  ): Route<Status, Answer, T> => {
    const response = { [status]: answer, '4xx': Problem, '5xx': Problem }
    const route = { config: { access }, schema: { tags: [tag], summary, ...takes, response } }
    return route as Route<Status, Answer, T>
  }

/** The options of a route under a heading of the description: who may call it, what it takes and what it answers. */
export const routesOf = (tag: string) => ({
  view: describer(tag, 'view', 200),
  act: describer(tag, 'act', 200),
  /** What a worker does in the background. */
  begin: describer(tag, 'act', 202),
})

/** A page of a list; `next` is what `before` takes for the older ones, null at the end. */
export const pageSchema = <T extends z.ZodType>(items: T) =>
  z.object({ items: list(items), next: z.int().nullable() })
