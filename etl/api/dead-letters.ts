import { isUtf8 } from 'node:buffer'
import { z } from 'zod'
import { ActionRefused } from '../operations/actions.ts'
import { deadLetterFilter } from '../dead-letters/filter.ts'
import { requestDismiss } from '../dead-letters/dismiss.ts'
import { requestRedrive } from '../dead-letters/redrive.ts'
import { countDeadLetters, groupDeadLetters, listDeadLetters } from '../dead-letters/list.ts'
import { checkValue, readDeadLetter, type DeadLetter as Letter } from '../dead-letters/letter.ts'
import type { Console, Server } from '../web/context.ts'
import { idInPath, optionalReason, reason } from '../web/fields.ts'
import { pageOf, paging } from './paging.ts'
import {
  Action,
  CheckedValue,
  DeadLetter,
  DeadLetterGroup,
  DeadLetterLine,
  pageSchema,
  PROBLEMS,
  list,
} from './schemas.ts'
import { accepted } from './accepted.ts'

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

/** Of key and value each: base64 and text make a multiple of it. A redrive takes no larger value either. */
const MAX_DOCUMENT_BYTES = 8 * 1024 * 1024

export function deadLetterApi(server: Server, { pool, config }: Console): void {
  const view = { config: { access: 'view' } } as const
  const act = { config: { access: 'act' } } as const

  server.get(
    '/dead-letters',
    {
      ...view,
      schema: {
        tags,
        summary: 'Dead letters without their bytes, newest first, and how many match',
        querystring: deadLetterFilter.extend(paging),
        response: { 200: pageSchema(DeadLetterLine).extend({ count: z.int() }), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { limit, before, ...which } = request.query
      const [count, rows] = await Promise.all([
        countDeadLetters(pool, which),
        listDeadLetters(pool, which, { limit: limit + 1, before }),
      ])
      return reply.send({ ...pageOf(rows, limit), count })
    },
  )

  server.get(
    '/dead-letters/groups',
    {
      ...view,
      schema: {
        tags,
        summary: 'Dead letters that failed alike, largest group first',
        querystring: deadLetterFilter,
        response: { 200: z.object({ items: list(DeadLetterGroup) }), ...PROBLEMS },
      },
    },
    async (request, reply) => reply.send({ items: await groupDeadLetters(pool, request.query) }),
  )

  server.get(
    '/dead-letters/:id',
    {
      ...view,
      schema: {
        tags,
        summary: 'One dead letter with its bytes, its attempts and what was done about it',
        params: idInPath,
        response: { 200: DeadLetter, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const letter = await readDeadLetter(pool, request.params.id, MAX_DOCUMENT_BYTES)
      for (const [part, bytes] of [
        ['key', letter.keyBytes],
        ['value', letter.valueBytes],
      ] as const)
        if (bytes !== null && bytes > MAX_DOCUMENT_BYTES)
          throw new ActionRefused(
            `Its ${part} has ${bytes} bytes, more than a document can hold. Download it: /dead-letters/${letter.id}/${part}`,
          )
      return reply.send(asDocument(letter))
    },
  )

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
      const rules = { maxAgeDays: config.TRANSACTION_MAX_AGE_DAYS }
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

function asDocument(letter: Letter) {
  return {
    ...letter,
    key: asBytes(letter.key),
    value: asBytes(letter.value),
    headers: letter.headers.map(({ key, value: bytes }) => ({ key, value: asBytes(bytes) })),
  }
}

const asBytes = (bytes: Buffer | null) =>
  bytes && {
    bytes: bytes.length,
    base64: bytes.toString('base64'),
    text: isUtf8(bytes) ? bytes.toString() : null,
  }
