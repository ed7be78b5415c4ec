import { raw } from 'hono/html'
import { html, type Html } from './html.ts'
import { table } from './table.ts'

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
  /** Of the values. */
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
