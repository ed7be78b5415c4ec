import { outlook, RATE_MINUTES, type Outlook, type PartitionLag } from '../../partitions/lag.ts'
import type { Overview } from '../../status/overview.ts'
import { duration, thousands } from '../../text/wording.ts'
import { ago, rate, orDash, until } from '../format.ts'
import { html, type Html } from '../html.ts'
import { badge, icon } from '../icons.ts'
import { table } from '../table.ts'
import type { WorkerRow } from '../../operations/presence.ts'

export function partitionsSection({ partitions, control }: Overview): Html {
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

export function workersSection(workers: readonly WorkerRow[]): Html {
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
