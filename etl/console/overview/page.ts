import { z } from 'zod'
import { readOverview, type Overview } from '../../status/overview.ts'
import type { Console, Server } from '../../web/context.ts'
import { view } from '../../web/guard.ts'
import { html, type Html } from '../html.ts'
import { page } from '../layout.ts'
import { describe, stateBanner, attentionSection } from './state.ts'
import { chartsSection, runStrip } from './graphics.ts'
import { partitionsSection, workersSection } from './tables.ts'
import { duration, thousands } from '../../text/wording.ts'
import { ago, orDash, rate } from '../format.ts'

const Query = z.object({ span: z.enum(['1h', '24h']).default('1h') })

/** Seconds between two updates. */
const LIVE = 3

export function overviewPage(server: Server, { pool, config, unwritable }: Console): void {
  server.get('/', view({ querystring: Query }), async (request, reply) => {
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

/** The few numbers that say whether it keeps up. */
function figures({ partitions, freshness, throughput, control }: Overview): Html {
  const lags = partitions.flatMap(({ lag }) => lag ?? [])
  const behind = partitions.flatMap(({ lagMs }) => lagMs ?? [])
  return html`<dl class="figures" aria-label="Key figures">
    ${figure(
      'Lag',
      lags.length === 0 ? '–' : thousands(lags.reduce((sum, lag) => sum + lag, 0)),
      standStill(partitions, control) ??
        (behind.length === 0
          ? 'unknown'
          : Math.max(...behind) === 0
            ? 'caught up'
            : `at most ${duration(Math.max(...behind))} behind`),
    )}
    ${figure(
      'Freshness p95',
      orDash(freshness.waitedP95Ms, duration),
      html`p50 ${orDash(freshness.waitedP50Ms, duration)} · p99 ${orDash(freshness.waitedP99Ms, duration)} ·
      last hour`,
    )}
    ${figure('Throughput', html`${rate(throughput.last1)}<span class="unit"> records/s</span>`, html`5 min ${rate(throughput.last5)} · 60 min ${rate(throughput.last60)}`)}
    ${figure(
      'Newest record',
      orDash(
        freshness.newestRecordAgeMs,
        (age) => html`${duration(Math.max(0, age))}<span class="unit"> old</span>`,
      ),
      'of those that are loaded',
    )}
  </dl>`
}

/** While no run looks at a partition its lag is an old one: when that was, instead of what it was worth then. */
function standStill(partitions: Overview['partitions'], { pausedAt }: Overview['control']): Html | undefined {
  const looks = partitions
    .filter(({ stoppedAt }) => pausedAt !== null || stoppedAt !== null)
    .flatMap(({ logSeenAt }) => logSeenAt ?? [])
  if (looks.length === 0) return undefined
  return html`as last seen ${ago(new Date(Math.min(...looks.map((at) => at.getTime()))))}`
}

function figure(name: string, value: Html | string, detail: Html | string): Html {
  return html`<div>
    <dt>${name}</dt>
    <dd class="value">${value}</dd>
    <dd class="hint">${detail}</dd>
  </div>`
}
