import { z } from 'zod'
import { NotFound } from '../operations/actions.ts'
import { pause, requestRun, resume } from '../operations/control.ts'
import { RUN_KINDS, RUN_STATUSES } from '../schema/audit.ts'
import { readRun, readRuns } from '../status/runs.ts'
import { readStatus } from '../status/status.ts'
import type { Console, Server } from '../web/context.ts'
import { byId, idInPath, reason, pageOf, paging } from '../web/fields.ts'
import { Action } from './actions.ts'
import { count, list, milliseconds, pageSchema, routesOf } from './answers.ts'

const { view, act } = routesOf('Job')

const Run = z.object({
  id: z.int(),
  kind: z.enum(RUN_KINDS),
  stream: z.string(),
  worker: z.string(),
  status: z.enum(RUN_STATUSES),
  startedAt: z.date(),
  finishedAt: z.date().nullable(),
  durationMs: milliseconds,
  batches: count,
  consumed: count,
  loaded: count,
  duplicate: count,
  skipped: count.describe('No row, by their envelope.'),
  deadLettered: count,
  retries: count,
  error: z.string().nullable(),
})
z.globalRegistry.add(Run, { id: 'Run' })

const Status = z.object({
  at: z.date(),
  stream: z.string(),
  topic: z.string(),
  groupId: z.string(),
  kafka: z.object({
    brokers: z.string(),
    clusterId: z.string().nullable(),
    topicExists: z.boolean().nullable(),
    error: z.string().nullable(),
  }),
  partitions: list(
    z.object({
      partition: z.int(),
      incarnation: z.int().nullable(),
      watermark: z.int().nullable(),
      logStart: z.int().nullable(),
      logEnd: z.int().nullable(),
      lag: z.int().nullable(),
      groupOffset: z.int().nullable(),
      stoppedAt: z.date().nullable(),
      stopCode: z.string().nullable(),
      stopReason: z.string().nullable(),
    }),
  ),
  isReadOnly: z.boolean().describe('The warehouse takes no writes: a standby, or set so.'),
  paused: z.object({ since: z.date(), by: z.string().nullable(), reason: z.string().nullable() }).nullable(),
  lastRun: Run.nullable(),
  freshness: z.object({
    newestRecordAt: z.date().nullable(),
    newestRecordAgeMs: milliseconds,
    batches: count,
    waitedP50Ms: milliseconds,
    waitedP95Ms: milliseconds,
    waitedP99Ms: milliseconds,
  }),
  workers: list(z.object({ name: z.string(), partitions: list(z.int()), problem: z.string().nullable() })),
  openAlerts: count,
  openDeadLetters: count.describe('At most 10,000 are counted.'),
  unpublishedDeadLetters: count,
  openDataLosses: count,
})

/** What the job is doing, its runs, and its switch. */
export function jobApi(server: Server, console: Console): void {
  const { pool, stream, streams } = console

  server.get(
    '/status',
    view('What there is to know now; what Kafka would have said is null where it does not answer', Status),
    () => readStatus({ ...console, stream: stream.name }),
  )

  server.get(
    '/runs',
    view('The runs of the job, newest first', pageSchema(Run), {
      querystring: z.strictObject({
        ...paging,
        status: z.enum(RUN_STATUSES).optional(),
        kind: z.enum(RUN_KINDS).optional(),
      }),
    }),
    async (request, reply) => {
      const { limit, before, status, kind } = request.query
      const kinds = kind && [kind]
      return reply.send(
        pageOf(
          await readRuns(pool, { stream: stream.name, limit: limit + 1, before, status, kinds }),
          limit,
          byId,
        ),
      )
    },
  )

  server.get('/runs/:id', view('One run', Run, { params: idInPath }), async (request, reply) => {
    const run = await readRun(pool, request.params.id)
    if (run === undefined) throw new NotFound(`There is no run ${request.params.id}.`)
    return reply.send(run)
  })

  server.post(
    '/run',
    act('Each worker runs the stream now, or right after the run under way', Action),
    (request) => requestRun(pool, request.visitor!.operator, stream.name),
  )
  const of = z.enum(['stream', 'all']).default(streams.length === 1 ? 'all' : 'stream')
  const scope = of.describe('The stream alone, or all of them.')
  const streamOf = (which: z.output<typeof scope>) => (which === 'all' ? null : stream.name)
  server.post(
    '/pause',
    act('Stops the stream, or all, in all workers, at their next batch', Action, {
      body: z.strictObject({ reason, scope }),
    }),
    (request) => pause(pool, request.visitor!.operator, streamOf(request.body.scope), request.body.reason),
  )
  server.post(
    '/resume',
    act('Lets the stream, or all, go on', Action, { body: z.strictObject({ scope }).nullish() }),
    (request) =>
      resume(pool, request.visitor!.operator, streamOf(request.body?.scope ?? of.parse(undefined))),
  )
}
