import { z } from 'zod'
import { NotFound } from '../../operations/actions.ts'
import type { Console, Server } from '../../web/context.ts'
import { view } from '../../web/guard.ts'
import { idInPath } from '../../web/fields.ts'
import { page } from '../layout.ts'
import { readRun, type Run, readBatches, type Batch } from '../../status/runs.ts'
import { count, duration, offsets, thousands } from '../../text/wording.ts'
import { instant, moment, orDash } from '../format.ts'
import { gantt } from './gantt.ts'
import { html, nothing, type Html } from '../html.ts'
import { link } from '../links.ts'
import { runBadge } from './list.ts'
import { factList, table } from '../table.ts'

const BATCHES = 200

export function runPage(server: Server, { pool }: Console): void {
  server.get(
    '/runs/:id',
    view({
      params: idInPath,
      querystring: z.object({ page: z.coerce.number().int().min(1).max(100_000).default(1) }),
    }),
    async (request, reply) => {
      const run = await readRun(pool, request.params.id)
      if (run === undefined) throw new NotFound(`There is no run ${request.params.id}.`)
      const number = request.query.page
      const batches = await readBatches(pool, run.id, { limit: BATCHES, offset: (number - 1) * BATCHES })
      return reply.html(
        page({
          title: `Run ${run.id}`,
          menu: '/runs',
          visitor: request.visitor!,
          ...(run.status === 'running' ? { live: 3 } : {}),
          content: runDetails(run, batches, { number, of: Math.max(1, Math.ceil(run.batches / BATCHES)) }),
        }),
      )
    },
  )
}

interface Place {
  readonly number: number
  readonly of: number
}

/** One run: what came of it, what went wrong, and where its time went. */
function runDetails(run: Run, batches: readonly Batch[], place: Place): Html {
  return html`<p class="crumbs"><a href="/runs">Runs</a></p>
    <h1>Run ${run.id} ${runBadge(run.status)}</h1>
    ${totals(run)}
    ${
      run.error === null
        ? nothing
        : html`<section aria-labelledby="error">
            <h2 id="error">Error</h2>
            <pre class="error" id="error-text">${run.error}</pre>
            ${copyButton('error-text', 'Copy the error')}
          </section>`
    }
    <section aria-labelledby="log-lines">
      <h2 id="log-lines">Its log lines</h2>
      <p class="copyable">
        <code id="log-command">${logCommand(run)}</code> ${copyButton('log-command', 'Copy')}
      </p>
    </section>
    <section aria-labelledby="batches">
      <h2 id="batches">
        Batches
        ${place.of > 1 ? html`<span class="hint">page ${place.number} of ${place.of}</span>` : nothing}
      </h2>
      ${gantt(batches)} ${batchTable(batches, run)} ${pages(run, place)}
    </section>`
}

/** Workers write JSON lines to their standard output; all of a run carry its id. */
const logCommand = ({ id }: Run): string =>
  `docker compose logs --no-log-prefix etl | grep '"run_id":${id}[,}]'`

const copyButton = (id: string, words: string): Html =>
  html`<button type="button" class="quiet needs-script" data-copies="${id}">${words}</button>`

function totals(run: Run): Html {
  return factList([
    ['Kind', run.kind],
    ['Worker', html`<code>${run.worker}</code>`],
    ['Started', moment(run.startedAt)],
    ['Finished', orDash(run.finishedAt, instant)],
    ['Took', orDash(run.durationMs, duration)],
    ['Batches', thousands(run.batches)],
    ['Consumed', thousands(run.consumed)],
    ['Loaded', thousands(run.loaded)],
    ['Duplicate', thousands(run.duplicate)],
    ['Dead letters', thousands(run.deadLettered)],
    ['Retries', thousands(run.retries)],
  ])
}

function batchTable(batches: readonly Batch[], run: Run): Html {
  return table(
    batches,
    [
      {
        heading: 'Batch',
        of: ({ partition, from, to }) => html`${partition}: ${offsets(from, to)}`,
      },
      { heading: 'Consumed', right: true, of: ({ consumed }) => consumed },
      { heading: 'Loaded', right: true, of: ({ loaded }) => loaded },
      { heading: 'Duplicate', right: true, of: ({ duplicate }) => duplicate },
      {
        heading: 'Dead letters',
        right: true,
        of: ({ deadLettered, batchId }) =>
          deadLettered === 0
            ? 0
            : html`<a href="${link('/dead-letters', { text: batchId })}">${thousands(deadLettered)}</a>`,
      },
      { heading: 'Extract', right: true, of: ({ extractMs }) => duration(extractMs) },
      { heading: 'Validate', right: true, of: ({ validateMs }) => duration(validateMs) },
      { heading: 'Transform', right: true, of: ({ transformMs }) => duration(transformMs) },
      { heading: 'Load', right: true, of: ({ loadMs }) => duration(loadMs) },
      { heading: 'Loaded at', of: ({ loadedAt }) => instant(loadedAt) },
    ],
    {
      caption: `Batches of run ${run.id}: partition and offsets, what came of the records, how long each stage took`,
      hideCaption: true,
      none: run.status === 'running' ? 'None yet.' : 'It loaded nothing.',
      id: (index) => `batch-${index}`,
    },
  )
}

function pages({ id, batches }: Run, { number, of }: Place): Html {
  if (of === 1) return nothing
  return html`<nav class="paging" aria-label="Pages of the batches">
    ${number > 1 ? html`<a rel="prev" href="${link(`/runs/${id}`, { page: number - 1 })}">Earlier</a>` : nothing}
    <span class="hint">${count(batches, 'batch', 'batches')}</span>
    ${number < of ? html`<a rel="next" href="${link(`/runs/${id}`, { page: number + 1 })}">Later</a>` : nothing}
  </nav>`
}
