import type { Console, Server } from '../../web/context.ts'
import { page } from '../layout.ts'
import { readWorkers } from '../../operations/presence.ts'
import { z } from 'zod'
import { RUN_KINDS, RUN_STATUSES, readRuns, type Run, type RunStatus } from '../../status/runs.ts'
import { id } from '../../web/fields.ts'
import { duration } from '../../text/wording.ts'
import { moment, orDash } from '../format.ts'
import { html, nothing, type Html } from '../html.ts'
import { olderNewer } from '../links.ts'
import { table } from '../table.ts'
import { badge, type Icon, type Tone } from '../icons.ts'

/** What a form sends for a field that was left empty counts as not given. */
const blank = (value: unknown): unknown => (value === '' ? undefined : value)

const RunListQuery = z.object({
  status: z.preprocess(blank, z.enum(RUN_STATUSES).optional()),
  kind: z.preprocess(blank, z.enum(RUN_KINDS).optional()),
  worker: z.preprocess(blank, z.string().max(200).optional()),
  since: z.preprocess(blank, z.enum(['1h', '24h', '7d']).optional()),
  before: z.preprocess(blank, id.optional()),
})
type RunListQuery = z.infer<typeof RunListQuery>

const HOURS = { '1h': 1, '24h': 24, '7d': 24 * 7 }
const RUNS = 50

/** The runs of all workers, newest first; the filter stands in the address. */
export function runsPage(server: Server, { pool }: Console): void {
  server.get(
    '/runs',
    { config: { access: 'view' }, schema: { querystring: RunListQuery } },
    async (request, reply) => {
      const query = request.query
      const since = query.since && new Date(Date.now() - HOURS[query.since] * 3_600_000)
      const [runs, workers] = await Promise.all([
        readRuns(pool, {
          limit: RUNS + 1,
          status: query.status,
          kinds: query.kind && [query.kind],
          worker: query.worker,
          since,
          before: query.before,
        }),
        readWorkers(pool),
      ])
      return reply.html(
        page({
          title: 'Runs',
          menu: '/runs',
          visitor: request.visitor!,
          content: runList({
            query,
            runs: runs.slice(0, RUNS),
            more: runs.length > RUNS,
            workers: workers.map(({ name }) => name),
          }),
        }),
      )
    },
  )
}

interface RunList {
  readonly query: RunListQuery
  readonly runs: readonly Run[]
  readonly more: boolean
  /** Names to choose from; others may be typed. */
  readonly workers: readonly string[]
}

function runList({ query, runs, more, workers }: RunList): Html {
  const { before, ...filter } = query
  const filtered = Object.values(filter).some((value) => value !== undefined)
  const last = runs.at(-1)
  return html`<h1>Runs</h1>
    ${filterForm(filter, workers)}
    ${table(
      runs,
      [
        { heading: 'Run', of: (run) => html`<a href="/runs/${run.id}">${run.id}</a>` },
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

const LOOKS: Readonly<Record<RunStatus, readonly [Tone, Icon]>> = {
  running: ['busy', 'play'],
  succeeded: ['good', 'check'],
  failed: ['bad', 'cross'],
  abandoned: ['warn', 'dash'],
}

export function runBadge(status: RunStatus): Html {
  return badge(...LOOKS[status], status)
}
