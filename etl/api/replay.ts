import { z } from 'zod'
import { replayRange } from '../replay/plan.ts'
import { requestReplay } from '../replay/request.ts'
import type { Console, Server } from '../web/context.ts'
import { optionalReason } from '../web/fields.ts'
import { accepted } from './accepted.ts'
import { Action, PROBLEMS } from './schemas.ts'

export function replayApi(server: Server, { pool, kafka, config }: Console): void {
  server.post(
    '/replay',
    {
      config: { access: 'act' },
      schema: {
        tags: ['Replay'],
        summary: 'Reads what was loaded again through the current code, in the background',
        body: z.strictObject({
          range: replayRange,
          dryRun: z.boolean().describe('Only says what would change.'),
          reason: optionalReason,
        }),
        response: { 202: Action, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { operator } = request.visitor!
      const asked = { topic: config.KAFKA_TOPIC, ...request.body }
      const { action } = await requestReplay(pool, kafka, operator, asked)
      return reply.code(202).send(accepted(reply, action))
    },
  )
}
