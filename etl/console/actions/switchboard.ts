import { z } from 'zod'
import { readActions, type Action } from '../../operations/actions.ts'
import { readControl, type Control, pause, requestRun, resume } from '../../operations/control.ts'
import { readDataLosses } from '../../partitions/losses.ts'
import { testAlerts } from '../../alerts/channels.ts'
import { readPartitions } from '../../partitions/lag.ts'
import type { Console, Server } from '../../web/context.ts'
import { act, view, type Visitor } from '../../web/guard.ts'
import { showAction, showPage } from '../answers.ts'
import { actionForm, reasonField } from '../forms.ts'
import { html, visible, type Html } from '../html.ts'
import { byId, id, pageOf, reason } from '../../web/fields.ts'
import { moment, instant } from '../format.ts'
import { partitions, losses } from './partitions.ts'
import { replayForm } from './replay.ts'
import { thousands } from '../../text/wording.ts'
import { olderNewer } from '../links.ts'
import { table, type Column } from '../table.ts'
import { ACTION_NAMES, statusBadge, targetInWords } from './words.ts'

/** Everything that an operator can do to the job, and the record of what was done. */
export function switchboard(
  server: Server,
  { pool, stream: { name: stream }, streams, config, logger }: Console,
): void {
  const topic = config.KAFKA_TOPIC
  const of = streams.length > 1 ? stream : undefined
  const streamOf = (scope: z.output<typeof Scope>['scope']) => (scope === 'stream' ? stream : null)

  server.get(
    '/actions',
    view({ querystring: z.object({ before: id.optional() }) }),
    async (request, reply) => {
      const { before } = request.query
      const visitor = request.visitor!
      const [control, all, lost, actions] = await Promise.all([
        readControl(pool, stream),
        readPartitions(pool, topic),
        readDataLosses(pool, topic),
        readActions(pool, stream, PAGE_ACTIONS + 1, before),
      ])
      return showPage(request, reply, {
        title: 'Actions',
        menu: '/actions',
        content: html`<h1>Actions</h1>
          ${state(control, of)} ${visitor.mayAct ? switches(visitor, control, of) : whyNot()}
          ${partitions(visitor, topic, all)} ${losses(visitor, lost)}
          ${visitor.mayAct ? html`${replayForm()} ${testAlertForm(visitor)}` : ''}
          ${record(actions, before !== undefined)}`,
      })
    },
  )

  server.post('/actions/run', act(), async (request, reply) => {
    return showAction(reply, await requestRun(pool, request.visitor!.operator, of ?? null))
  })
  server.post('/actions/pause', act({ body: Scope.extend({ reason }) }), async (request, reply) => {
    const { scope, reason: why } = request.body
    await pause(pool, request.visitor!.operator, streamOf(scope), why)
    return reply.redirect('/actions', 303)
  })
  server.post('/actions/resume', act({ body: Scope }), async (request, reply) => {
    await resume(pool, request.visitor!.operator, streamOf(request.body.scope))
    return reply.redirect('/actions', 303)
  })
  server.post('/actions/test-alert', act(), async (request, reply) => {
    const { action } = await testAlerts(pool, request.visitor!.operator, config, logger)
    return showAction(reply, action)
  })
}

/** Whether all streams are meant, or the one of the page. */
const Scope = z.object({ scope: z.enum(['stream', 'all']).default('all') })

const whyNot = (): Html =>
  html`<p class="notice">
    You may look and not act: either you are logged in as a viewer, or the console is read-only. What was done
    is below.
  </p>`

/** @param stream where there are several. */
function state({ pausedAt, pausedBy, pauseReason, isOfAll }: Control, stream: string | undefined): Html {
  const what = stream === undefined ? '' : isOfAll ? 'All streams: paused' : `${stream}: paused`
  return pausedAt === null
    ? html`<p>The job goes by its schedule.</p>`
    : html`<p class="notice warn">
        ${what === '' ? 'Paused' : what} at ${moment(pausedAt)} by ${visible(pausedBy ?? '')}:
        ${visible(pauseReason ?? '')}. No worker runs, replays or redrives until somebody resumes it.
      </p>`
}

function switches(visitor: Visitor, { pausedAt, isOfAll }: Control, stream: string | undefined): Html {
  if (pausedAt !== null)
    return html`<section>
      <h2>Resume</h2>
      ${actionForm(
        visitor,
        '/actions/resume',
        html`<input type="hidden" name="scope" value="${isOfAll ? 'all' : 'stream'}" />
          <button class="primary">
            ${stream === undefined ? 'Resume all workers' : isOfAll ? 'Resume all streams' : `Resume ${stream}`}
          </button>`,
      )}
      <p class="hint">Each worker runs at once, and what was stopped in the background goes on.</p>
    </section>`
  return html`<section>
      <h2>Run now</h2>
      ${actionForm(visitor, '/actions/run', html`<button class="primary">Run now</button>`)}
      <p class="hint">Each worker runs ${stream ?? ''} now, or right after the run that is under way.</p>
    </section>
    <section>
      <h2>Pause</h2>
      ${actionForm(
        visitor,
        '/actions/pause',
        stream === undefined
          ? html`${reasonField({ needed: true })} <button class="danger">Pause all workers</button>`
          : html`${reasonField({ needed: true })}
              <button class="danger" name="scope" value="stream">Pause ${stream}</button>
              <button class="danger" name="scope" value="all">Pause all streams</button>`,
      )}
      <p class="hint">
        They stop at their next batch: runs, replays, redrives, housekeeping. Nothing is lost; what comes
        meanwhile waits in Kafka.
      </p>
    </section>`
}

function testAlertForm(visitor: Visitor): Html {
  return html`<section>
    <h2>Test alert</h2>
    ${actionForm(visitor, '/actions/test-alert', html`<button>Send a test alert to every channel</button>`)}
  </section>`
}

const PAGE_ACTIONS = 50

const COLUMNS: readonly Column<Action>[] = [
  { heading: 'Number', of: (action) => html`<a href="/actions/${action.id}">${action.id}</a>` },
  { heading: 'Asked', of: ({ requestedAt }) => instant(requestedAt) },
  {
    heading: 'Who',
    of: ({ requestedBy, via }) => html`${visible(requestedBy)} <span class="hint">${via}</span>`,
  },
  { heading: 'Action', of: ({ action }) => ACTION_NAMES[action] },
  { heading: 'What', wide: true, of: (action) => visible(targetInWords(action)) },
  { heading: 'Why', wide: true, of: (action) => (action.reason === null ? null : visible(action.reason)) },
  { heading: 'Status', of: statusBadge },
  {
    heading: 'Progress',
    right: true,
    of: ({ done, total }) => (total === null ? null : `${thousands(done)} of ${thousands(total)}`),
  },
]

/**
 * What operators did, newest first, for everybody who can log in.
 *
 * @param actions one more than a page holds where there are older ones.
 */
export function record(actions: readonly Action[], paged: boolean): Html {
  const { items, next } = pageOf(actions, PAGE_ACTIONS, byId)
  return html`<h2>What was done</h2>
    ${table(items, COLUMNS, { caption: 'What was done', hideCaption: true, none: 'Nothing yet.' })}
    ${olderNewer('/actions', {}, paged, next)}`
}
