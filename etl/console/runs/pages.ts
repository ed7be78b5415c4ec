import { z } from 'zod'
import { NotFound } from '../../operations/actions.ts'
import { readWorkers } from '../../operations/presence.ts'
import { readRun, readRuns, readBatches } from '../../status/runs.ts'
import type { Console, Server } from '../../web/context.ts'
import { page } from '../layout.ts'
import { idInPath } from '../../web/fields.ts'
import { RunListQuery } from './query.ts'
import { runList } from './list.ts'
import { runDetails } from './run.ts'

const HOURS = { '1h': 1, '24h': 24, '7d': 24 * 7 }
const RUNS = 50
const BATCHES = 200

export function runPages(server: Server, { pool }: Console): void {
  server.get(
    '/runs',
    { config: { access: 'view' }, schema: { querystring: RunListQuery } },
    async (request, reply) => {
      const query = request.query
      const since = query.since && new Date(Date.now() - HOURS[query.since] * 3_600_000)
      const [runs, workers] = await Promise.all([
        readRuns(pool, {
          limit: RUNS + 1,
          status: query.status,
          kinds: query.kind && [query.kind],
          worker: query.worker,
          since,
          before: query.before,
        }),
        readWorkers(pool),
      ])
      return reply.html(
        page({
          title: 'Runs',
          menu: '/runs',
          visitor: request.visitor!,
          content: runList({
            query,
            runs: runs.slice(0, RUNS),
            more: runs.length > RUNS,
            workers: workers.map(({ name }) => name),
          }),
        }),
      )
    },
  )

  server.get(
    '/runs/:id',
    {
      config: { access: 'view' },
      schema: {
        params: idInPath,
        querystring: z.object({ page: z.coerce.number().int().min(1).max(100_000).default(1) }),
      },
    },
    async (request, reply) => {
      const run = await readRun(pool, request.params.id)
      if (run === undefined) throw new NotFound(`There is no run ${request.params.id}.`)
      const number = request.query.page
      const batches = await readBatches(pool, run.id, { limit: BATCHES, offset: (number - 1) * BATCHES })
      return reply.html(
        page({
          title: `Run ${run.id}`,
          menu: '/runs',
          visitor: request.visitor!,
          ...(run.status === 'running' ? { live: 3 } : {}),
          content: runDetails(run, batches, { number, of: Math.max(1, Math.ceil(run.batches / BATCHES)) }),
        }),
      )
    },
  )
}
