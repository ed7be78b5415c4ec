import { z } from 'zod'
import { readOverview } from '../../status/overview.ts'
import type { Console, Server } from '../../web/context.ts'
import { html } from '../html.ts'
import { page } from '../layout.ts'
import { attentionSection } from './attention.ts'
import { chartsSection } from './charts.ts'
import { figures } from './figures.ts'
import { partitionsSection } from './partitions.ts'
import { runStrip } from './run-strip.ts'
import { describe, stateBanner } from './state.ts'
import { workersSection } from './workers.ts'

const Query = z.object({ span: z.enum(['1h', '24h']).default('1h') })

/** Seconds between two updates. */
const LIVE = 3

export function overviewPage(server: Server, { pool, config, unwritable }: Console): void {
  server.get('/', { config: { access: 'view' }, schema: { querystring: Query } }, async (request, reply) => {
    const { span } = request.query
    const seen = await readOverview(pool, config, span, unwritable())
    return reply.html(
      page({
        title: describe(seen.conditions[0]).title,
        menu: '/',
        visitor: request.visitor!,
        live: LIVE,
        content: html`<h1 class="visually-hidden">Overview</h1>
          ${stateBanner(seen)} ${attentionSection(seen)} ${figures(seen)} ${runStrip(seen.drains)}
          ${partitionsSection(seen)} ${chartsSection(seen.points, span)} ${workersSection(seen.workers)}`,
      }),
    )
  })
}
