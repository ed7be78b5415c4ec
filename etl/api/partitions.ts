import { z } from 'zod'
import { continueStopped, lookAt, newIncarnation } from '../partitions/stopped.ts'
import { acknowledgeLoss, readDataLosses } from '../partitions/losses.ts'
import type { Console, Server } from '../web/context.ts'
import { lookAtGroup, takeOverGroup } from '../partitions/take-over.ts'
import { reason, wholeNumber } from '../web/fields.ts'
import { Action } from './actions.ts'
import { list, routesOf } from './answers.ts'

const { view, act } = routesOf('Partitions')
const anOffset = z.int().min(0)
const params = z.object({ partition: wholeNumber })

const DataLoss = z.object({
  topic: z.string(),
  partition: z.int(),
  incarnation: z.int(),
  from: z.int(),
  to: z.int().describe('One past the last.'),
  detectedAt: z.date(),
  acknowledgedBy: z.string().nullable(),
  reason: z.string().nullable(),
})

/** What can be done with a partition that stands still; `GET /status` has the partitions themselves. */
export function partitionApi(
  server: Server,
  { pool, kafka, stream: { name: stream }, config }: Console,
): void {
  const topic = config.KAFKA_TOPIC

  server.post(
    '/partitions/:partition/continue',
    act(
      'Ends a stop on mass rejection: loads what the log holds now, whatever becomes of it; or for a log that is the known one again',
      Action,
      { params },
    ),
    async (request, reply) => {
      const now = await lookAt(pool, kafka, { topic, partition: request.params.partition })
      return reply.send(await continueStopped(pool, kafka, request.visitor!.operator, now))
    },
  )

  server.post(
    '/partitions/:partition/new-incarnation',
    act('Takes up the log that Kafka has now as a new one; can’t be undone', Action, {
      params,
      body: z.strictObject({ from: z.literal('beginning').or(anOffset) }),
    }),
    async (request, reply) => {
      const now = await lookAt(pool, kafka, { topic, partition: request.params.partition })
      const { from } = request.body
      const offset = from === 'beginning' ? now.start : from
      return reply.send(await newIncarnation(pool, request.visitor!.operator, now, offset))
    },
  )

  server.post(
    '/partitions/take-over',
    act(
      'Makes the consumer group this warehouse’s, where another had it; only while it has no members',
      Action,
    ),
    async (request, reply) => {
      const now = await lookAtGroup(pool, kafka, { stream, topic, groupId: config.KAFKA_GROUP_ID })
      return reply.send(await takeOverGroup(pool, kafka, request.visitor!.operator, now))
    },
  )

  server.get(
    '/losses',
    view(
      'Offsets that Kafka lost before they were loaded; open ones first',
      z.object({ items: list(DataLoss) }),
    ),
    async () => ({ items: await readDataLosses(pool, topic) }),
  )

  server.post(
    '/losses/acknowledge',
    act('Takes note of a data loss', Action, {
      body: z.strictObject({
        partition: z.int().min(0),
        incarnation: z.int().min(1),
        from: anOffset,
        reason,
      }),
    }),
    (request) => {
      const { reason: why, ...loss } = request.body
      return acknowledgeLoss(pool, request.visitor!.operator, { stream, topic, ...loss }, why)
    },
  )
}
