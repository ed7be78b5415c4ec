import { isUtf8 } from 'node:buffer'
import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import { Action, accepted } from './actions.ts'
import { count, list, pageSchema, routesOf } from './answers.ts'
import { requestDismiss } from '../dead-letters/dismiss.ts'
import { deadLetterFilter } from '../dead-letters/filter.ts'
import {
  deadLetterBytes,
  readDeadLetter,
  type DeadLetter as Letter,
  checkValue,
} from '../dead-letters/letter.ts'
import { countDeadLetters, groupDeadLetters, listDeadLetters } from '../dead-letters/list.ts'
import { requestRedrive } from '../dead-letters/redrive.ts'
import { ActionRefused } from '../operations/actions.ts'
import { DEAD_LETTER_CODES } from '../schema/audit.ts'
import type { Console, Server } from '../web/context.ts'
import { byId, idInPath, pageOf, paging, optionalReason, reason } from '../web/fields.ts'

const { view, act, begin } = routesOf('Dead letters')
const code = z.enum(DEAD_LETTER_CODES)
const Issue = z.object({
  field: z.string().describe('Empty where the record as a whole is meant.'),
  message: z.string(),
})

const DeadLetterGroup = z.object({
  failure: z.string().describe('The code, and the field of the first issue: what a filter takes.'),
  code,
  field: z.string(),
  count,
  waiting: count.describe('Sent again, and the outcome is not known yet.'),
  firstAt: z.date(),
  lastAt: z.date(),
  sample: z.object({ id: z.int(), message: z.string().nullable() }),
})
z.globalRegistry.add(DeadLetterGroup, { id: 'DeadLetterGroup' })

const DeadLetterLine = z.object({
  id: z.int(),
  topic: z.string(),
  partition: z.int(),
  offset: z.int(),
  incarnation: z.int(),
  code,
  failure: z.string(),
  issues: list(Issue),
  batchId: z.string(),
  keyBytes: count.nullable(),
  valueBytes: count.nullable(),
  attempts: count.describe('How often it failed again after a redrive.'),
  redriveOf: z.string().nullable(),
  createdAt: z.date(),
  publishedAt: z.date().nullable(),
  redrivenAt: z.date().nullable(),
  resolvedAt: z.date().nullable(),
  resolution: z.string().nullable(),
})
z.globalRegistry.add(DeadLetterLine, { id: 'DeadLetterLine' })

const Bytes = z
  .object({
    bytes: count,
    base64: z.string().describe('The bytes as they are.'),
    text: z.string().nullable().describe('The same as text where it is UTF-8.'),
  })
  .nullable()

const DeadLetter = DeadLetterLine.extend({
  kafkaTimestamp: z.date(),
  runId: z.int().nullable(),
  key: Bytes,
  value: Bytes,
  headers: list(z.object({ key: z.string(), value: Bytes })),
  chain: list(DeadLetterLine).describe('The first dead letter and its later attempts, oldest first.'),
  actions: list(Action),
})
z.globalRegistry.add(DeadLetter, { id: 'DeadLetter' })

/** Of key and value each: base64 and text make a multiple of it. A redrive takes no larger value either. */
const MAX_DOCUMENT_BYTES = 8 * 1024 * 1024

export function deadLetterApi(server: Server, { pool, stream: { name: stream } }: Console): void {
  server.get(
    '/dead-letters',
    view(
      'Dead letters without their bytes, newest first, and how many match',
      pageSchema(DeadLetterLine).extend({ count: z.int() }),
      { querystring: deadLetterFilter.extend(paging) },
    ),
    async (request, reply) => {
      const { limit, before, ...which } = request.query
      const [matching, rows] = await Promise.all([
        countDeadLetters(pool, stream, which),
        listDeadLetters(pool, stream, which, { limit: limit + 1, before }),
      ])
      return reply.send({ ...pageOf(rows, limit, byId), count: matching })
    },
  )

  server.get(
    '/dead-letters/groups',
    view('Dead letters that failed alike, largest group first', z.object({ items: list(DeadLetterGroup) }), {
      querystring: deadLetterFilter,
    }),
    async (request, reply) => reply.send({ items: await groupDeadLetters(pool, stream, request.query) }),
  )

  server.get(
    '/dead-letters/:id',
    view('One dead letter with its bytes, its attempts and what was done about it', DeadLetter, {
      params: idInPath,
    }),
    async (request, reply) => {
      const letter = await readDeadLetter(pool, request.params.id, MAX_DOCUMENT_BYTES)
      for (const part of ['key', 'value'] as const) {
        const bytes = letter[`${part}Bytes`]
        if (bytes !== null && bytes > MAX_DOCUMENT_BYTES)
          throw new ActionRefused(
            `Its ${part} has ${bytes} bytes, more than a document can hold. Download it: /dead-letters/${letter.id}/${part}`,
          )
      }
      return reply.send(asDocument(letter))
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

/** For the description of the API; what is sent is never touched. */
const BYTES = {
  description: 'The bytes, as a file.',
  content: { 'application/octet-stream': { schema: z.file() } },
}

/** Bytes from outside, for a file: no browser is to show them, guess what they are, or run them. */
export function downloadRoutes(server: Server, { pool }: Console): void {
  for (const part of ['key', 'value'] as const) {
    server.get(
      `/dead-letters/:id/${part}`,
      view(`The bytes of its ${part}, as they are`, BYTES, { params: idInPath }),
      async (request, reply) => {
        const { id } = request.params
        const { bytes, pieces } = await deadLetterBytes(pool, id, part)
        return asFile(reply, `dead-letter-${id}-${part}.bin`)
          .header('content-length', bytes)
          .send(Readable.from(pieces, { objectMode: false }))
      },
    )
  }
}

function asFile(reply: FastifyReply, name: string): FastifyReply {
  return reply
    .type('application/octet-stream')
    .header('content-disposition', `attachment; filename="${name}"`)
    .header('content-security-policy', "sandbox; default-src 'none'")
    .header('x-content-type-options', 'nosniff')
    .header('cache-control', 'no-store')
}

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
  server.post(
    '/dead-letters/:id/check',
    act('Says what the contract would make of a value sent in its place now; changes nothing', CheckedValue, {
      params: idInPath,
      body: z.object({ value }),
    }),
    async (request, reply) => {
      const letter = await readDeadLetter(pool, request.params.id, 0)
      const rules = { stream, maxAgeDays }
      return reply.send(await checkValue(pool, letter, request.body.value, rules, new Date()))
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
      const of = { stream: stream.name, topic: config.KAFKA_TOPIC }
      return accepted(reply, await requestRedrive(pool, operator, which, why, { ...of, ...options }))
    },
  )

  server.post(
    '/dead-letters/dismiss',
    begin('Resolves all open ones that match as they are, in the background', Action, {
      body: z.strictObject({ filter, reason, expectedCount }),
    }),
    async (request, reply) => {
      const { filter: which, reason: why, ...options } = request.body
      const { operator } = request.visitor!
      const of = { stream: stream.name }
      return accepted(reply, await requestDismiss(pool, operator, which, why, { ...of, ...options }))
    },
  )
}
