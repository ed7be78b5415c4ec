import { z } from 'zod'
import { requestDismiss } from '../dead-letters/dismiss.ts'
import { deadLetterFilter } from '../dead-letters/filter.ts'
import { checkValue, readDeadLetter } from '../dead-letters/letter.ts'
import { requestRedrive } from '../dead-letters/redrive.ts'
import type { Console, Server } from '../web/context.ts'
import { idInPath, optionalReason, reason } from '../web/fields.ts'
import { accepted, Action } from './actions.ts'
import { list, PROBLEMS } from './answers.ts'
import { code, Issue } from './dead-letters.ts'

const tags = ['Dead letters']
const expectedCount = z
  .int()
  .min(0)
  .optional()
  .describe('As counted when you decided: where another number matches by then, 409 and nothing is done.')
const value = z
  .base64()
  .transform((text) => Buffer.from(text, 'base64'))
  .describe('Sent instead of the original one; for exactly one dead letter, named by its id.')
const filter = deadLetterFilter.describe(
  'Those for which everything holds that is given; {} are all open ones.',
)

const CheckedValue = z.union([
  z.object({ accepted: z.literal(true) }),
  z.object({ accepted: z.literal(false), code, issues: list(Issue) }),
])

/** What can be done about dead letters: see what a corrected value would be, send records again, let them go. */
export function redriveApi(server: Server, { pool, stream, maxAgeDays, config }: Console): void {
  const act = { config: { access: 'act' } } as const

  server.post(
    '/dead-letters/:id/check',
    {
      ...act,
      schema: {
        tags,
        summary: 'Says what the contract would make of a value sent in its place now; changes nothing',
        params: idInPath,
        body: z.object({ value }),
        response: { 200: CheckedValue, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const letter = await readDeadLetter(pool, request.params.id, 0)
      const rules = { stream, maxAgeDays }
      return reply.send(checkValue(letter, request.body.value, rules, new Date()))
    },
  )

  server.post(
    '/dead-letters/redrive',
    {
      ...act,
      schema: {
        tags,
        summary: 'Sends the records of all open ones that match to the topic again, in the background',
        body: z.strictObject({ filter, value: value.optional(), reason: optionalReason, expectedCount }),
        response: { 202: Action, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { filter: which, reason: why, ...options } = request.body
      const { operator } = request.visitor!
      const topic = config.KAFKA_TOPIC
      return reply
        .code(202)
        .send(accepted(reply, await requestRedrive(pool, operator, which, why, { topic, ...options })))
    },
  )

  server.post(
    '/dead-letters/dismiss',
    {
      ...act,
      schema: {
        tags,
        summary: 'Resolves all open ones that match as they are, in the background',
        body: z.strictObject({ filter, reason, expectedCount }),
        response: { 202: Action, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { filter: which, reason: why, ...options } = request.body
      return reply
        .code(202)
        .send(accepted(reply, await requestDismiss(pool, request.visitor!.operator, which, why, options)))
    },
  )
}
