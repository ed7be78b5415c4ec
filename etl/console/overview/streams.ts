import { stateOf, type StreamState } from '../../status/streams.ts'
import { thousands } from '../../text/wording.ts'
import { under } from '../../web/context.ts'
import { ago, orDash } from '../format.ts'
import { html, nothing, visible, type Html } from '../html.ts'
import { badge } from '../icons.ts'
import { table } from '../table.ts'

/** Every stream in a line, where there are several. */
export function streamsSection(streams: readonly StreamState[], current: string): Html {
  if (streams.length < 2) return nothing
  return html`<section aria-labelledby="streams">
    <h2 id="streams">Streams</h2>
    ${table(
      streams,
      [
        {
          heading: 'Stream',
          of: ({ name }) =>
            html`<a href="${under(name)}/">${name}</a>${name === current ? ' (this page)' : nothing}`,
        },
        { heading: 'State', of: state },
        { heading: 'Lag', right: true, of: ({ lag }) => orDash(lag, thousands) },
        { heading: 'Open alerts', right: true, of: ({ openAlerts }) => thousands(openAlerts) },
        { heading: 'Workers', right: true, of: ({ workers }) => thousands(workers) },
        { heading: 'Last success', of: ({ succeededAt }) => orDash(succeededAt, ago) },
      ],
      { caption: 'Streams', hideCaption: true, none: 'There is none.' },
    )}
  </section>`
}

function state(stream: StreamState): Html {
  const { words, isWell } = stateOf(stream)
  const shown = visible(words)
  if (isWell) return badge('good', 'check', words)
  return stream.isPaused ? badge('warn', 'pause', words) : html`${badge('bad', 'warning', '')} ${shown}`
}
