import { z } from 'zod'
import { readAlerts } from '../alerts/alert.ts'
import { testAlerts } from '../alerts/channels.ts'
import type { Console, Server } from '../web/context.ts'
import { Action, Alert, PROBLEMS, TestResult, list } from './schemas.ts'

const tags = ['Alerts']

export function alertApi(server: Server, { pool, config, logger }: Console): void {
  server.get(
    '/alerts',
    {
      config: { access: 'view' },
      schema: {
        tags,
        summary: 'Alerts that go on, then those that are over, each newest first',
        querystring: z.strictObject({
          open: z.stringbool().default(false).describe('Only those that go on.'),
          limit: z.coerce.number().int().min(1).max(500).default(50),
        }),
        response: { 200: z.object({ items: list(Alert) }), ...PROBLEMS },
      },
    },
    async (request, reply) => reply.send({ items: await readAlerts(pool, request.query) }),
  )

  server.post(
    '/alerts/test',
    {
      config: { access: 'act' },
      schema: {
        tags,
        summary: 'Sends a test alert to every channel, and says what came of each',
        response: { 200: z.object({ action: Action, channels: list(TestResult) }), ...PROBLEMS },
      },
    },
    (request) => testAlerts(pool, request.visitor!.operator, config, logger),
  )
}
