import { SPANS, type Point, type Span } from '../../status/flow.ts'
import { charts } from '../charts.ts'
import { html, type Html } from '../html.ts'
import { choice } from '../links.ts'

export function chartsSection(points: readonly Point[], span: Span): Html {
  const valuesOf = <Name extends keyof Point>(name: Name) => points.map((point) => point[name])
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
        title: 'Duplicates and dead letters',
        unit: 'records',
        series: [
          { label: 'Duplicates', color: 'busy', shape: 'line', values: valuesOf('duplicate') },
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
