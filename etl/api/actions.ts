import { z } from 'zod'
import {
  continueAction,
  readAction,
  readActions,
  stopAction,
  type Action as OperatorAction,
} from '../operations/actions.ts'
import { replayRange } from '../replay/plan.ts'
import { requestReplay } from '../replay/request.ts'
import { OPERATED_VIA, ACTION_STATUSES } from '../schema/operations.ts'
import type { Console, Server } from '../web/context.ts'
import { byId, idInPath, optionalReason, pageOf, paging } from '../web/fields.ts'
import { count, pageSchema, routesOf } from './answers.ts'

const { view, begin } = routesOf('Actions')

export const Action = z.object({
  id: z.int(),
  action: z.string(),
  stream: z.string().nullable().describe('Null where it is about all of them.'),
  target: z.record(z.string(), z.unknown()).describe('What it acts on.'),
  reason: z.string().nullable(),
  requestedBy: z.string(),
  via: z.enum(OPERATED_VIA),
  requestedAt: z.date(),
  status: z.enum(ACTION_STATUSES),
  total: count.nullable().describe('Dead letters, or offsets of a replay, as counted at first.'),
  done: count,
  result: z.record(z.string(), z.unknown()).nullable(),
  error: z.string().nullable(),
  runId: z.int().nullable(),
  worker: z.string().nullable(),
  finishedAt: z.date().nullable(),
})
z.globalRegistry.add(Action, { id: 'Action' })

interface Reply {
  code(status: 202): unknown
  header(name: 'location', value: string): unknown
}

/** A worker does it in the background: how far it is stands where Location says. */
export function accepted(reply: Reply, action: OperatorAction): OperatorAction {
  reply.code(202)
  reply.header('location', `/api/v1/actions/${action.id}`)
  return action
}

export function actionApi(server: Server, { pool, stream }: Console): void {
  server.get(
    '/actions',
    view('What operators did, newest first', pageSchema(Action), { querystring: z.strictObject(paging) }),
    async (request, reply) => {
      const { limit, before } = request.query
      return reply.send(pageOf(await readActions(pool, stream.name, limit + 1, before), limit, byId))
    },
  )

  server.get(
    '/actions/:id',
    view('One action: how far it is and what came of it', Action, { params: idInPath }),
    (request) => readAction(pool, request.params.id),
  )

  for (const [verb, summary, operation] of [
    ['stop', 'Stops what goes on in the background, at its next step; it can be continued', stopAction],
    ['continue', 'Lets a stopped or failed action go on where it was', continueAction],
  ] as const) {
    server.post(
      `/actions/:id/${verb}`,
      begin(summary, Action, { params: idInPath }),
      async (request, reply) =>
        accepted(reply, await operation(pool, request.visitor!.operator, request.params.id)),
    )
  }
}

export function replayApi(server: Server, { pool, kafka, stream, config }: Console): void {
  server.post(
    '/replay',
    routesOf('Replay').begin(
      'Reads what was loaded again through the current code, in the background',
      Action,
      {
        body: z.strictObject({
          range: replayRange,
          dryRun: z.boolean().describe('Only says what would change.'),
          reason: optionalReason,
        }),
      },
    ),
    async (request, reply) => {
      const { operator } = request.visitor!
      const asked = { stream: stream.name, topic: config.KAFKA_TOPIC, ...request.body }
      const { action } = await requestReplay(pool, kafka, operator, asked)
      return accepted(reply, action)
    },
  )
}
