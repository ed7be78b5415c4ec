import { showPage } from '../answers.ts'
import { select } from '../forms.ts'
import type { Console, Server } from '../../web/context.ts'
import { view } from '../../web/guard.ts'
import { readWorkers, type WorkerRow } from '../../operations/presence.ts'
import { z } from 'zod'
import { RUN_KINDS, RUN_STATUSES } from '../../schema/audit.ts'
import { readRuns, type Run, type RunStatus } from '../../status/runs.ts'
import { byId, id, orEmpty, pageOf, type Page } from '../../web/fields.ts'
import { duration } from '../../text/wording.ts'
import { moment, orDash } from '../format.ts'
import { html, type Html } from '../html.ts'
import { olderNewer } from '../links.ts'
import { table } from '../table.ts'
import { badge, type Icon, type Tone } from '../icons.ts'

const HOURS = { '1h': 1, '24h': 24, '7d': 24 * 7 }
const SINCE = ['1h', '24h', '7d'] as const
const RUNS = 50

const RunListQuery = z.object({
  status: orEmpty(z.enum(RUN_STATUSES)),
  kind: orEmpty(z.enum(RUN_KINDS)),
  worker: orEmpty(z.string().max(200)),
  since: orEmpty(z.enum(SINCE)),
  before: orEmpty(id),
})
type RunListQuery = z.infer<typeof RunListQuery>

/** The runs of all workers, newest first; the filter stands in the address. */
export function runsPage(server: Server, { pool, stream }: Console): void {
  server.get('/runs', view({ querystring: RunListQuery }), async (request, reply) => {
    const { kind, since, ...query } = request.query
    const [rows, workers] = await Promise.all([
      readRuns(pool, {
        ...query,
        stream: stream.name,
        limit: RUNS + 1,
        kinds: kind && [kind],
        since: since && new Date(Date.now() - HOURS[since] * 3_600_000),
      }),
      readWorkers(pool, stream.name),
    ])
    return showPage(request, reply, {
      title: 'Runs',
      menu: '/runs',
      content: runList(request.query, pageOf(rows, RUNS, byId), workers),
    })
  })
}

function runList(query: RunListQuery, { items, next }: Page<Run>, workers: readonly WorkerRow[]): Html {
  const { before, ...filter } = query
  const filtered = Object.values(filter).some((value) => value !== undefined)
  return html`<h1>Runs</h1>
    ${filterForm(filter, workers)}
    ${table(
      items,
      [
        { heading: 'Run', of: (run) => html`<a href="/runs/${run.id}">${run.id}</a>` },
        { heading: 'Status', of: ({ status }) => runBadge(status) },
        { heading: 'Kind', of: ({ kind }) => kind },
        { heading: 'Started', of: ({ startedAt }) => moment(startedAt) },
        { heading: 'Took', right: true, of: ({ durationMs }) => orDash(durationMs, duration) },
        { heading: 'Consumed', right: true, of: ({ consumed }) => consumed },
        { heading: 'Loaded', right: true, of: ({ loaded }) => loaded },
        { heading: 'Duplicate', right: true, of: ({ duplicate }) => duplicate },
        ...(items.some(({ skipped }) => skipped > 0)
          ? [{ heading: 'Skipped', right: true, of: ({ skipped }: Run) => skipped }]
          : []),
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
    ${olderNewer('/runs', filter, before !== undefined, next)}`
}

const MOST = 120
const short = (error: string): string => (error.length > MOST ? `${error.slice(0, MOST)}…` : error)

function filterForm(filter: Omit<RunListQuery, 'before'>, workers: readonly WorkerRow[]): Html {
  return html`<form class="filter" method="get" action="/runs">
    <label>Status ${select('status', ['', ...RUN_STATUSES], filter.status)}</label>
    <label>Kind ${select('kind', ['', ...RUN_KINDS], filter.kind)}</label>
    <label>Since ${select('since', ['', ...SINCE], filter.since)}</label>
    <label
      >Worker
      <input name="worker" value="${filter.worker ?? ''}" list="workers" maxlength="200" autocomplete="off" />
    </label>
    <datalist id="workers">${workers.map(({ name }) => html`<option value="${name}"></option>`)}</datalist>
    <button>Show</button>
  </form>`
}

const LOOKS: Readonly<Record<RunStatus, readonly [Tone, Icon]>> = {
  running: ['busy', 'play'],
  succeeded: ['good', 'check'],
  failed: ['bad', 'cross'],
  abandoned: ['warn', 'dash'],
}

export function runBadge(status: RunStatus): Html {
  return badge(...LOOKS[status], status)
}
