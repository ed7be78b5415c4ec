import { z } from 'zod'
import { requestDismiss } from '../dead-letters/dismiss.ts'
import { deadLetterFilter } from '../dead-letters/filter.ts'
import { checkValue, readDeadLetter } from '../dead-letters/letter.ts'
import { requestRedrive } from '../dead-letters/redrive.ts'
import type { Console, Server } from '../web/context.ts'
import { idInPath, optionalReason, reason } from '../web/fields.ts'
import { accepted, Action } from './actions.ts'
import { list, routesOf } from './answers.ts'
import { code, Issue } from './dead-letters.ts'

const { act, begin } = routesOf('Dead letters')
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
export function redriveApi(server: Server, { pool, config }: Console): void {
  server.post(
    '/dead-letters/:id/check',
    act('Says what the contract would make of a value sent in its place now; changes nothing', CheckedValue, {
      params: idInPath,
      body: z.object({ value }),
    }),
    async (request, reply) => {
      const letter = await readDeadLetter(pool, request.params.id, 0)
      const rules = { maxAgeDays: config.TRANSACTION_MAX_AGE_DAYS }
      return reply.send(checkValue(letter, request.body.value, rules, new Date()))
    },
  )

  server.post(
    '/dead-letters/redrive',
    begin('Sends the records of all open ones that match to the topic again, in the background', Action, {
      body: z.strictObject({ filter, value: value.optional(), reason: optionalReason, expectedCount }),
    }),
    async (request, reply) => {
      const { filter: which, reason: why, ...options } = request.body
      const { operator } = request.visitor!
      const topic = config.KAFKA_TOPIC
      return accepted(reply, await requestRedrive(pool, operator, which, why, { topic, ...options }))
    },
  )

  server.post(
    '/dead-letters/dismiss',
    begin('Resolves all open ones that match as they are, in the background', Action, {
      body: z.strictObject({ filter, reason, expectedCount }),
    }),
    async (request, reply) => {
      const { filter: which, reason: why, ...options } = request.body
      return accepted(reply, await requestDismiss(pool, request.visitor!.operator, which, why, options))
    },
  )
}
