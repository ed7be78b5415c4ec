import { RUN_KINDS, RUN_STATUSES, type Run } from '../../status/runs.ts'
import { duration } from '../../text/wording.ts'
import { moment, orDash } from '../format.ts'
import { html, nothing, type Html } from '../html.ts'
import { olderNewer } from '../links.ts'
import { runBadge } from '../run-badge.ts'
import { table } from '../table.ts'
import type { RunListQuery } from './query.ts'

export interface RunList {
  readonly query: RunListQuery
  readonly runs: readonly Run[]
  readonly more: boolean
  /** Names to choose from; others may be typed. */
  readonly workers: readonly string[]
}

export function runList({ query, runs, more, workers }: RunList): Html {
  const { before, ...filter } = query
  const filtered = Object.values(filter).some((value) => value !== undefined)
  const last = runs.at(-1)
  return html`<h1>Runs</h1>
    ${filterForm(filter, workers)}
    ${table(
      runs,
      [
        { heading: 'Run', of: ({ id }) => html`<a href="/runs/${id}">${id}</a>` },
        { heading: 'Status', of: ({ status }) => runBadge(status) },
        { heading: 'Kind', of: ({ kind }) => kind },
        { heading: 'Started', of: ({ startedAt }) => moment(startedAt) },
        { heading: 'Took', right: true, of: ({ durationMs }) => orDash(durationMs, duration) },
        { heading: 'Consumed', right: true, of: ({ consumed }) => consumed },
        { heading: 'Loaded', right: true, of: ({ loaded }) => loaded },
        { heading: 'Duplicate', right: true, of: ({ duplicate }) => duplicate },
        { heading: 'Dead letters', right: true, of: ({ deadLettered }) => deadLettered },
        { heading: 'Retries', right: true, of: ({ retries }) => retries },
        {
          heading: 'Error',
          wide: true,
          of: ({ error }) => (error === null ? '' : html`<span class="error">${short(error)}</span>`),
        },
      ],
      {
        caption: 'Runs, newest first',
        hideCaption: true,
        none: filtered ? html`No run is like that. <a href="/runs">Show all</a>` : 'There was no run yet.',
      },
    )}
    ${olderNewer('/runs', filter, before !== undefined, more && last !== undefined ? { before: last.id } : undefined)}`
}

const MOST = 120
const short = (error: string): string => (error.length > MOST ? `${error.slice(0, MOST)}…` : error)

function filterForm(filter: Omit<RunListQuery, 'before'>, workers: readonly string[]): Html {
  return html`<form class="filter" method="get" action="/runs">
    ${select('Status', 'status', RUN_STATUSES, filter.status)}
    ${select('Kind', 'kind', RUN_KINDS, filter.kind)}
    ${select('Since', 'since', ['1h', '24h', '7d'], filter.since)}
    <label
      >Worker
      <input name="worker" value="${filter.worker ?? ''}" list="workers" maxlength="200" autocomplete="off" />
    </label>
    <datalist id="workers">${workers.map((name) => html`<option value="${name}"></option>`)}</datalist>
    <button>Show</button>
  </form>`
}

function select(label: string, name: string, options: readonly string[], chosen: string | undefined): Html {
  return html`<label
    >${label}
    <select name="${name}">
      <option value="">any</option>
      ${options.map((one) => html`<option ${one === chosen ? html`selected` : nothing}>${one}</option>`)}
    </select>
  </label>`
}
