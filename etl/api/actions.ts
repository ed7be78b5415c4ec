import { z } from 'zod'
import { continueAction, readAction, readActions, stopAction } from '../operations/actions.ts'
import type { Console, Server } from '../web/context.ts'
import { idInPath } from '../web/fields.ts'
import { accepted } from './accepted.ts'
import { pageOf, paging } from './paging.ts'
import { Action, pageSchema, PROBLEMS } from './schemas.ts'

const tags = ['Actions']

export function actionApi(server: Server, { pool }: Console): void {
  server.get(
    '/actions',
    {
      config: { access: 'view' },
      schema: {
        tags,
        summary: 'What operators did, newest first',
        querystring: z.strictObject(paging),
        response: { 200: pageSchema(Action), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { limit, before } = request.query
      return reply.send(pageOf(await readActions(pool, limit + 1, before), limit))
    },
  )

  server.get(
    '/actions/:id',
    {
      config: { access: 'view' },
      schema: {
        tags,
        summary: 'One action: how far it is and what came of it',
        params: idInPath,
        response: { 200: Action, ...PROBLEMS },
      },
    },
    (request) => readAction(pool, request.params.id),
  )

  for (const [verb, summary, operation] of [
    ['stop', 'Stops what goes on in the background, at its next step; it can be continued', stopAction],
    ['continue', 'Lets a stopped or failed action go on where it was', continueAction],
  ] as const) {
    server.post(
      `/actions/:id/${verb}`,
      {
        config: { access: 'act' },
        schema: { tags, summary, params: idInPath, response: { 202: Action, ...PROBLEMS } },
      },
      async (request, reply) =>
        reply
          .code(202)
          .send(accepted(reply, await operation(pool, request.visitor!.operator, request.params.id))),
    )
  }
}
