import { raw } from 'hono/html'
import { html, type Html } from '../html.ts'
import { choice } from '../links.ts'
import { table } from '../table.ts'
import { SPANS, type Point, type Span } from '../../status/flow.ts'
import type { Run, RunStatus } from '../../status/runs.ts'
import { count, duration } from '../../text/wording.ts'

export function chartsSection(points: readonly Point[], span: Span): Html {
  const valuesOf = <Name extends keyof Point>(name: Name) => points.map((point) => point[name])
  const skips = points.some(({ skipped }) => skipped > 0)
  return html`<section aria-labelledby="over-time">
    <div class="heading">
      <h2 id="over-time">Over time <span class="hint">${SPANS[span].words}</span></h2>
      ${choice('Span of the charts', [
        { name: '1 h', href: '/', chosen: span === '1h' },
        { name: '24 h', href: '/?span=24h', chosen: span === '24h' },
      ])}
    </div>
    ${charts(valuesOf('at'), [
      {
        id: 'chart-loaded',
        title: 'Loaded',
        unit: 'records',
        series: [{ label: 'Loaded', color: 'good', shape: 'bars', values: valuesOf('loaded') }],
      },
      {
        id: 'chart-rejected',
        title: skips ? 'Duplicates, skipped and dead letters' : 'Duplicates and dead letters',
        unit: 'records',
        series: [
          { label: 'Duplicates', color: 'busy', shape: 'line', values: valuesOf('duplicate') },
          ...(skips
            ? [{ label: 'Skipped', color: 'warn', shape: 'line', values: valuesOf('skipped') } as const]
            : []),
          { label: 'Dead letters', color: 'bad', shape: 'line', values: valuesOf('deadLettered') },
        ],
      },
      {
        id: 'chart-freshness',
        title: 'From Kafka to the warehouse',
        unit: 'seconds',
        series: [
          { label: 'Mean', color: 'good', shape: 'line', values: valuesOf('waitedMeanMs').map(seconds) },
          { label: 'Worst', color: 'warn', shape: 'line', values: valuesOf('waitedWorstMs').map(seconds) },
        ],
      },
    ])}
  </section>`
}

const seconds = (ms: number | null) => (ms === null ? null : Math.round(ms / 100) / 10)

/** Signs that differ in shape as well as in colour. */
const SIGNS: Readonly<Record<RunStatus, string>> = {
  succeeded: 'M1 5l3 3 4-6',
  failed: 'M1.5 1.5l6 6M7.5 1.5l-6 6',
  abandoned: 'M1 4.5h7',
  running: 'M2 1l6 3.5-6 3.5z',
}
/** Units of the drawing. */
const BAR = { most: 34, least: 2, width: 9 }

/**
 * The last runs, the newest to the right: a bar that grows with the time it took (its
 * square root, so that one long run leaves the others visible), and a sign for what came of it. The
 * newest is first in the document, and the style sheet turns the row round: so a narrow screen shows it.
 */
export function runStrip(runs: readonly Run[]): Html {
  const longest = Math.max(1, ...runs.map(tookMs))
  return html`<section aria-labelledby="last-runs">
    <div class="heading">
      <h2 id="last-runs">Last runs</h2>
      <p class="hint">
        ${runs.length === 0 ? '' : `The longest took ${duration(longest)}.`} <a href="/runs">All runs</a>
      </p>
    </div>
    ${
      runs.length === 0
        ? html`<p class="none">None yet: the first tick makes one.</p>`
        : html`<ol class="strip" data-arrows>
            ${runs.map((run, i) => stripe(run, longest, i === 0))}
          </ol>`
    }
  </section>`
}

function stripe(run: Run, longest: number, newest: boolean): Html {
  const height = Math.max(BAR.least, Math.round(Math.sqrt(tookMs(run) / longest) * BAR.most))
  const words =
    `Run ${run.id} (${run.kind}) ${run.status}, ${run.startedAt.toISOString().slice(11, 19)} UTC, ` +
    `${duration(tookMs(run))}, ${count(run.consumed, 'record')}, ${count(run.deadLettered, 'dead letter')}`
  return html`<li>
    <a
      href="/runs/${run.id}"
      class="${run.status}"
      id="strip-${run.id}"
      aria-label="${words}"
      title="${words}"
      tabindex="${newest ? 0 : -1}"
    >
      <svg
        viewBox="0 0 ${BAR.width} 46"
        width="${BAR.width}"
        height="46"
        aria-hidden="true"
        focusable="false"
      >
        <rect x="0" y="${BAR.most - height}" width="${BAR.width}" height="${height}" rx="1.5" />
        <path
          d="${SIGNS[run.status]}"
          transform="translate(0 37)"
          fill="none"
          stroke="currentColor"
          stroke-width="1.6"
        />
      </svg>
    </a>
  </li>`
}

/** Of a run that goes on: until now. */
const tookMs = ({ startedAt, durationMs }: Run): number =>
  Math.max(0, durationMs ?? Date.now() - startedAt.getTime())

interface Series {
  readonly label: string
  /** A colour of the style sheet, without the dashes. */
  readonly color: string
  readonly shape: 'bars' | 'line'
  /** One for each of the times; null where there is none. */
  readonly values: readonly (number | null)[]
}

interface Chart {
  readonly id: string
  readonly title: string
  readonly unit: string
  readonly series: readonly Series[]
}

/**
 * Charts over the same times, which the page's script draws, and the same as a table for those who don't see them.
 *
 * @param times seconds since the epoch, oldest first.
 */
export function charts(times: readonly number[], all: readonly Chart[]): Html {
  return html`<div class="charts">${all.map((one) => chart(times, one))}</div>
    <details id="charts-table">
      <summary>As a table</summary>
      ${valueTable(times, all)}
    </details>`
}

function chart(times: readonly number[], { id, title, unit, series }: Chart): Html {
  return html`<figure class="chart" data-chart id="${id}">
    <figcaption id="${id}-title">${title} <span class="unit">${unit}</span></figcaption>
    ${dataIsland({ times, series })}
    <div class="plot" data-keep id="${id}-plot" role="img" aria-labelledby="${id}-title"></div>
  </figure>`
}

/** Newest first, without the times at which nothing happened. */
function valueTable(times: readonly number[], all: readonly Chart[]): Html {
  const series = all.flatMap((one) => one.series.map((its) => ({ ...its, unit: one.unit })))
  const rows = times
    .map((time, index) => ({ time, values: series.map(({ values }) => values[index] ?? null) }))
    .filter(({ values }) => values.some((value) => value !== null && value !== 0))
    .reverse()
  return table(
    rows,
    [
      {
        heading: 'From (UTC)',
        of: ({ time }) => new Date(time * 1_000).toISOString().slice(0, 16).replace('T', ' '),
      },
      ...series.map(({ label, unit }, place) => ({
        heading: `${label}, ${unit}`,
        right: true,
        of: ({ values }: { values: readonly (number | null)[] }) => values[place]!,
      })),
    ],
    { caption: all.map(({ title }) => title).join('; '), hideCaption: true, none: 'Nothing in this time.' },
  )
}

/** Data for the page's script, which browsers never run: JSON, where `<` could end the element, is written as \\u003c. */
function dataIsland(data: unknown): Html {
  return html`<script type="application/json">
    ${raw(JSON.stringify(data).replaceAll('<', String.raw`\u003c`))}
  </script>`
}
