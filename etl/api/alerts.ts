import { z } from 'zod'
import { readAlerts } from '../alerts/alert.ts'
import { testAlerts } from '../alerts/channels.ts'
import { ALERT_EVENTS } from '../schema/operations.ts'
import type { Console, Server } from '../web/context.ts'
import { Action } from './actions.ts'
import { count, list, routesOf } from './answers.ts'

const { view, act } = routesOf('Alerts')

const Alert = z.object({
  id: z.int(),
  rule: z.string(),
  scope: z.string(),
  severity: z.string(),
  summary: z.string(),
  firstAction: z.string(),
  startedAt: z.date(),
  endedAt: z.date().nullable().describe('Null while it goes on.'),
  notifications: list(
    z.object({
      event: z.enum(ALERT_EVENTS),
      channel: z.string(),
      state: z.enum(['waiting', 'sent', 'given up']),
      attempts: count,
      sentAt: z.date().nullable(),
      nextAttemptAt: z.date(),
      lastError: z.string().nullable(),
    }),
  ),
})

const TestResult = z.object({ channel: z.string(), ok: z.boolean(), error: z.string().nullable() })

export function alertApi(server: Server, { pool, stream, config, logger }: Console): void {
  server.get(
    '/alerts',
    view('Alerts that go on, then those that are over, each newest first', z.object({ items: list(Alert) }), {
      querystring: z.strictObject({
        open: z.stringbool().default(false).describe('Only those that go on.'),
        limit: z.coerce.number().int().min(1).max(500).default(50),
      }),
    }),
    async (request, reply) => reply.send({ items: await readAlerts(pool, stream.name, request.query) }),
  )

  server.post(
    '/alerts/test',
    act(
      'Sends a test alert to every channel, and says what came of each',
      z.object({ action: Action, channels: list(TestResult) }),
    ),
    (request) => testAlerts(pool, request.visitor!.operator, config, logger),
  )
}
