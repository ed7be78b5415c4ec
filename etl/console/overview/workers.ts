import type { WorkerRow } from '../../operations/presence.ts'
import { ago, orDash, until } from '../format.ts'
import { html, type Html } from '../html.ts'
import { badge } from '../icons.ts'
import { table } from '../table.ts'

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
