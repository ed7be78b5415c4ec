import { z } from 'zod'
import { pause, requestRun, resume } from '../operations/control.ts'
import { NotFound } from '../operations/actions.ts'
import { readRun, readRuns, RUN_KINDS, RUN_STATUSES } from '../status/runs.ts'
import { readStatus } from '../status/status.ts'
import type { Console, Server } from '../web/context.ts'
import { idInPath, reason } from '../web/fields.ts'
import { pageOf, paging } from './paging.ts'
import { Action, pageSchema, PROBLEMS, Run, Status } from './schemas.ts'

const tags = ['Job']

/** What the job is doing, its runs, and its switch. */
export function jobApi(server: Server, console: Console): void {
  const { pool } = console
  const view = { config: { access: 'view' } } as const
  const act = { config: { access: 'act' } } as const
  const done = { 200: Action, ...PROBLEMS }

  server.get(
    '/status',
    {
      ...view,
      schema: {
        tags,
        summary: 'What there is to know now; what Kafka would have said is null where it does not answer',
        response: { 200: Status, ...PROBLEMS },
      },
    },
    () => readStatus(console),
  )

  server.get(
    '/runs',
    {
      ...view,
      schema: {
        tags,
        summary: 'The runs of the job, newest first',
        querystring: z.strictObject({
          ...paging,
          status: z.enum(RUN_STATUSES).optional(),
          kind: z.enum(RUN_KINDS).optional(),
        }),
        response: { 200: pageSchema(Run), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { limit, before, status, kind } = request.query
      const kinds = kind && [kind]
      return reply.send(pageOf(await readRuns(pool, { limit: limit + 1, before, status, kinds }), limit))
    },
  )

  server.get(
    '/runs/:id',
    {
      ...view,
      schema: { tags, summary: 'One run', params: idInPath, response: { 200: Run, ...PROBLEMS } },
    },
    async (request, reply) => {
      const run = await readRun(pool, request.params.id)
      if (run === undefined) throw new NotFound(`There is no run ${request.params.id}.`)
      return reply.send(run)
    },
  )

  server.post(
    '/run',
    {
      ...act,
      schema: { tags, summary: 'Each worker runs now, or right after the run under way', response: done },
    },
    (request) => requestRun(pool, request.visitor!.operator),
  )
  server.post(
    '/pause',
    {
      ...act,
      schema: {
        tags,
        summary: 'Stops all workers at their next batch',
        body: z.strictObject({ reason }),
        response: done,
      },
    },
    (request) => pause(pool, request.visitor!.operator, request.body.reason),
  )
  server.post(
    '/resume',
    { ...act, schema: { tags, summary: 'Lets all workers go on', response: done } },
    (request) => resume(pool, request.visitor!.operator),
  )
}
