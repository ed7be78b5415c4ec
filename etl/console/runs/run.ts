import { z } from 'zod'
import { instant, moment, orDash } from '../format.ts'
import { showPage } from '../answers.ts'
import { html, nothing, type Html } from '../html.ts'
import { link } from '../links.ts'
import { runBadge } from './list.ts'
import { factList, table } from '../table.ts'
import { NotFound } from '../../operations/actions.ts'
import { readRun, type Run, readBatches, type Batch } from '../../status/runs.ts'
import { count, duration, offsets, thousands } from '../../text/wording.ts'
import type { Console, Server } from '../../web/context.ts'
import { idInPath } from '../../web/fields.ts'
import { view } from '../../web/guard.ts'

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
      return showPage(request, reply, {
        title: `Run ${run.id}`,
        menu: '/runs',
        live: run.status === 'running' ? 3 : undefined,
        content: runDetails(run, batches, number),
      })
    },
  )
}

/** One run: what came of it, what went wrong, and where its time went. */
function runDetails(run: Run, batches: readonly Batch[], number: number): Html {
  const last = Math.max(1, Math.ceil(run.batches / BATCHES))
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
        Batches ${last > 1 ? html`<span class="hint">page ${number} of ${last}</span>` : nothing}
      </h2>
      ${gantt(batches)} ${batchTable(batches, run)} ${pages(run, number, last)}
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
    ...skippedOf(run),
    ['Dead letters', thousands(run.deadLettered)],
    ['Retries', thousands(run.retries)],
  ])
}

const skippedOf = ({ skipped }: Run): [string, string][] =>
  skipped === 0 ? [] : [['Skipped', thousands(skipped)]]

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
      ...(run.skipped > 0 ? [{ heading: 'Skipped', right: true, of: ({ skipped }: Batch) => skipped }] : []),
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

function pages({ id, batches }: Run, number: number, last: number): Html {
  if (last === 1) return nothing
  return html`<nav class="paging" aria-label="Pages of the batches">
    ${number > 1 ? html`<a rel="prev" href="${link(`/runs/${id}`, { page: number - 1 })}">Earlier</a>` : nothing}
    <span class="hint">${count(batches, 'batch', 'batches')}</span>
    ${number < last ? html`<a rel="next" href="${link(`/runs/${id}`, { page: number + 1 })}">Later</a>` : nothing}
  </nav>`
}

const STAGES = [
  ['extract', ({ extractMs }: Batch) => extractMs],
  ['validate', ({ validateMs }: Batch) => validateMs],
  ['transform', ({ transformMs }: Batch) => transformMs],
  ['load', ({ loadMs }: Batch) => loadMs],
] as const

/** Units of a lane's drawing, which is stretched to the page's width. */
const WIDTH = 1_000
const HEIGHT = 20
/** What took no time to speak of is seen all the same. */
const LEAST = 1

/** When each stage of a batch was, in milliseconds since the epoch: one after the other, the last one ended when the batch was loaded. */
export function barsOf(batch: Batch) {
  const durations = STAGES.map(([, took]) => took(batch))
  let at = batch.loadedAt.getTime() - durations.reduce((sum, ms) => sum + ms, 0)
  return STAGES.map(([stage], i) => {
    const from = at
    at += durations[i]!
    return { stage, from, to: at }
  })
}

/** A lane of time for each partition, with the stages of its batches. The table below says the same in numbers. */
export function gantt(batches: readonly Batch[]): Html {
  if (batches.length === 0) return nothing
  const bars = new Map(batches.map((batch) => [batch, barsOf(batch)]))
  const begin = Math.min(...batches.map((batch) => bars.get(batch)![0]!.from))
  const end = Math.max(...batches.map(({ loadedAt }) => loadedAt.getTime()), begin + 1)
  const lanes = Map.groupBy(batches, ({ partition }) => partition)
  const place = (time: number) => ((time - begin) / (end - begin)) * WIDTH
  return html`<div class="gantt">
    <ul class="legend" aria-label="Stages">
      ${STAGES.map(([stage]) => html`<li class="${stage}"><span class="swatch"></span>${stage}</li>`)}
    </ul>
    ${[...lanes.entries()]
      .sort(([a], [b]) => a - b)
      .map(
        ([partition, its]) =>
          html`<div class="lane">
            <span class="name">Partition ${partition}</span>
            <svg
              viewBox="0 0 ${WIDTH} ${HEIGHT}"
              preserveAspectRatio="none"
              role="img"
              aria-label="Stages of the batches of partition ${partition}, in time; the table below has the numbers"
            >
              ${its.map((batch) => drawn(batch, bars.get(batch)!, place))}
            </svg>
          </div>`,
      )}
    <div class="axis" aria-hidden="true">
      ${[0, 0.25, 0.5, 0.75, 1].map((share) => html`<span>${share === 0 ? '0' : duration((end - begin) * share)}</span>`)}
    </div>
  </div>`
}

function drawn(batch: Batch, bars: ReturnType<typeof barsOf>, place: (time: number) => number): Html {
  const stages = STAGES.map(([stage, took]) => `${stage} ${duration(took(batch))}`).join(', ')
  return html`<g>
    <title>${batch.batchId}: ${stages}</title>
    ${bars.map(({ stage, from, to }) => {
      const x = place(from)
      return html`<rect
        class="${stage}"
        x="${x.toFixed(2)}"
        y="2"
        width="${Math.max(LEAST, place(to) - x).toFixed(2)}"
        height="${HEIGHT - 4}"
      />`
    })}
  </g>`
}
