import { z } from 'zod'
import { ago, orDash, rate, until } from '../format.ts'
import { showPage } from '../answers.ts'
import { html, type Html } from '../html.ts'
import { badge, icon } from '../icons.ts'
import { chartsSection, runStrip } from './graphics.ts'
import { describe, stateBanner, attentionSection } from './state.ts'
import { table } from '../table.ts'
import type { WorkerRow } from '../../operations/presence.ts'
import { outlook, RATE_MINUTES, type Outlook, type PartitionLag } from '../../partitions/lag.ts'
import { readStreams } from '../../status/streams.ts'
import { streamsSection } from './streams.ts'
import { readOverview, type Overview } from '../../status/overview.ts'
import { duration, thousands } from '../../text/wording.ts'
import type { Console, Server } from '../../web/context.ts'
import { view } from '../../web/guard.ts'

const Query = z.object({ span: z.enum(['1h', '24h']).default('1h') })

/** Seconds between two updates. */
const LIVE = 3

export function overviewPage(server: Server, { pool, stream, streams, config, unwritable }: Console): void {
  server.get('/', view({ querystring: Query }), async (request, reply) => {
    const { span } = request.query
    const [seen, all] = await Promise.all([
      readOverview(pool, stream.name, config, span, unwritable()),
      streams.length > 1 ? readStreams(pool, streams) : [],
    ])
    return showPage(request, reply, {
      title: describe(seen.conditions[0]).title,
      menu: '/',
      live: LIVE,
      content: html`<h1 class="visually-hidden">Overview</h1>
        ${stateBanner(seen)} ${attentionSection(seen)} ${streamsSection(all, stream.name)} ${figures(seen)}
        ${runStrip(seen.drains)} ${partitionsSection(seen)} ${chartsSection(seen.points, span)}
        ${workersSection(seen.workers)}`,
    })
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

function partitionsSection({ partitions, control }: Overview): Html {
  const paused = control.pausedAt !== null
  return html`<section aria-labelledby="partitions">
    <h2 id="partitions">Partitions</h2>
    ${table(
      partitions,
      [
        { heading: 'Partition', of: ({ partition }) => String(partition) },
        { heading: 'State', of: (one) => state(one, paused) },
        { heading: 'Lag', right: true, of: ({ lag }) => lag },
        {
          heading: 'Behind',
          right: true,
          of: ({ lagMs }) => lagMs && html`≤ ${duration(lagMs)}`,
        },
        { heading: 'Trend', of: (one) => TRENDS[outlook(one, paused).trend] },
        { heading: 'Clear in', right: true, of: (one) => clearIn(outlook(one, paused)) },
        { heading: 'Arrives', right: true, of: ({ arrivalRate }) => arrivalRate && perSecond(arrivalRate) },
        { heading: 'Drains at', right: true, of: ({ drainRate }) => drainRate && perSecond(drainRate) },
        { heading: 'Watermark', right: true, of: ({ watermark }) => watermark },
        {
          heading: 'Log end, when seen',
          right: true,
          of: ({ logEnd, logSeenAt }) =>
            logEnd === null || logSeenAt === null ? null : html`${thousands(logEnd)} ${ago(logSeenAt)}`,
        },
      ],
      { caption: 'Partitions', hideCaption: true, none: 'No partition is known: nothing was loaded yet.' },
    )}
    <details id="about-lag">
      <summary>How these are known</summary>
      <p>
        Kafka is not asked for this page: the lag is as of the last run's look at the log. Behind is the age
        of the last loaded record, so the oldest one that waits is that old at most. Drains at is how fast
        batches of the last ${RATE_MINUTES} minutes were worked off, without the time between runs. The trend
        holds it against what arrived since the last loaded record, and the time to clear is that of a run if
        both stay as they are. What can't be told is unknown.
      </p>
    </details>
  </section>`
}

const perSecond = (n: number): Html => html`${rate(n)}<span class="unit">/s</span>`

function state({ stopCode, lag, logSeenAt }: PartitionLag, paused: boolean): Html {
  if (stopCode !== null) return badge('bad', 'stop', `stopped: ${stopCode}`)
  // Nobody looks while it is paused: what has come since is not known.
  if (paused && logSeenAt !== null)
    return html`${badge('calm', 'pause', 'paused')} <span class="hint">lag as of ${ago(logSeenAt)}</span>`
  if (lag === null) return badge('calm', 'dash', 'unknown')
  return lag === 0 ? badge('good', 'check', 'caught up') : badge('busy', 'clock', 'behind')
}

const TRENDS: Readonly<Record<Outlook['trend'], Html | string | null>> = {
  shrinking: html`${icon('down')} shrinking`,
  growing: html`${icon('up')} growing`,
  steady: html`${icon('dash')} steady`,
  none: null,
  halted: null,
  unknown: 'unknown',
}

function clearIn(seen: Outlook): string | null {
  if ('clearMs' in seen) return seen.clearMs === null ? 'not at this rate' : duration(seen.clearMs)
  return seen.trend === 'unknown' ? 'unknown' : null
}

function workersSection(workers: readonly WorkerRow[]): Html {
  return html`<section aria-labelledby="workers">
    <h2 id="workers">Workers</h2>
    ${table(
      workers,
      [
        { heading: 'Worker', of: ({ name }) => name },
        {
          heading: 'State',
          wide: true,
          of: ({ problem }) =>
            problem === null ? badge('good', 'check', 'there') : badge('bad', 'warning', problem),
        },
        {
          heading: 'Partitions',
          of: ({ partitions }) =>
            partitions.length === 0 ? 'none' : partitions.toSorted((a, b) => a - b).join(', '),
        },
        { heading: 'Schedule', of: ({ schedule }) => html`<code>${schedule}</code>` },
        { heading: 'Next tick', of: ({ nextTickAt }) => orDash(nextTickAt, until) },
        { heading: 'Started', of: ({ startedAt }) => ago(startedAt) },
        { heading: 'Seen', of: ({ seenAt }) => ago(seenAt) },
      ],
      { caption: 'Workers', hideCaption: true, none: 'None was seen in the last seconds.' },
    )}
  </section>`
}
