import { continueAction, readAction, stopAction, type Action } from '../../operations/actions.ts'
import type { Console, Server } from '../../web/context.ts'
import { act, view, type Visitor } from '../../web/guard.ts'
import { showAction, showPage } from '../answers.ts'
import { actionForm } from '../forms.ts'
import { link } from '../links.ts'
import { html, nothing, visible, type Html } from '../html.ts'
import { queryOf } from '../dead-letters/filter.ts'
import { factList } from '../table.ts'
import { idInPath } from '../../web/fields.ts'
import { duration, thousands } from '../../text/wording.ts'
import { instant, moment, rate as perSecond } from '../format.ts'
import { resultInWords } from './result.ts'
import { ACTION_NAMES, filterOf, isUnderWay, statusBadge, targetInWords } from './words.ts'

const LOOK_EVERY_S = 2

/** One action: what, who, why, how far it is, what came of it; stop it or let it go on. */
export function actionRoutes(server: Server, { pool }: Console): void {
  const pace = new Pace()

  server.get('/actions/:id', view({ params: idInPath }), async (request, reply) => {
    const action = await readAction(pool, request.params.id)
    const visitor = request.visitor!
    const rate = action.status === 'running' ? pace.look(action, Date.now()) : undefined
    return showPage(request, reply, {
      title: `Action ${action.id}`,
      menu: '/actions',
      live: isUnderWay(action) ? LOOK_EVERY_S : undefined,
      content: html`<p class="crumbs"><a href="/actions">Actions</a></p>
        <h1>${ACTION_NAMES[action.action]} ${statusBadge(action)}</h1>
        ${facts(action)} ${progress(action, rate)} ${whatItWaitsFor(action)} ${failure(action)}
        ${resultInWords(action)} ${controls(visitor, action)}`,
    })
  })

  for (const [verb, operation] of [
    ['stop', stopAction],
    ['continue', continueAction],
  ] as const) {
    server.post(`/actions/:id/${verb}`, act({ params: idInPath }), async (request, reply) =>
      showAction(reply, await operation(pool, request.visitor!.operator, request.params.id)),
    )
  }
}

function facts(action: Action): Html {
  const { id, target, requestedBy, via, requestedAt, reason, worker, runId, finishedAt } = action
  const notes = Array.isArray(target['notes']) ? target['notes'] : []
  return factList([
    ['Number', String(id)],
    [
      'What',
      html`${what(action)} ${notes.map((note) => html`<div class="hint">${visible(String(note))}</div>`)}`,
    ],
    ['Who', html`${visible(requestedBy)} (${via})`],
    ['Why', reason === null ? '–' : visible(reason)],
    ['Asked', moment(requestedAt)],
    ['Worker', worker ?? undefined],
    ['Run', runId === null ? undefined : html`<a href="/runs/${runId}">${runId}</a>`],
    ['Ended', finishedAt === null ? undefined : instant(finishedAt)],
  ])
}

/** A way back to the dead letters that it was about. */
function what(action: Action): Html {
  const words = visible(targetInWords(action))
  const filter = filterOf(action)
  return filter === undefined
    ? words
    : html`<a href="${link('/dead-letters', queryOf({ ...filter, state: 'all' }))}">${words}</a>`
}

function progress({ action, done, total, status }: Action, rate: number | undefined): Html {
  if (total === null) return nothing
  const unit = action === 'replay' ? 'offsets' : 'dead letters'
  const share = total === 0 ? 100 : Math.floor((done / total) * 100)
  const left =
    rate === undefined
      ? nothing
      : `, ${perSecond(rate)} a second, about ${duration(((total - done) / rate) * 1_000)} left`
  return html`<p>
    <progress max="${Math.max(total, 1)}" value="${total === 0 ? 1 : done}" aria-label="Progress"></progress>
    ${thousands(done)} of ${thousands(total)} ${unit} (${share} %)${status === 'running' ? left : nothing}
  </p>`
}

function whatItWaitsFor({ status }: Action): Html {
  if (status === 'pending')
    return html`<p class="hint">
      It waits for a worker, which looks for work each second unless all is paused.
    </p>`
  if (status === 'stopping') return html`<p class="hint">It stops at its next step.</p>`
  return nothing
}

const failure = ({ error }: Action): Html =>
  error === null ? nothing : html`<p class="notice bad" role="alert">${visible(error)}</p>`

function controls(visitor: Visitor, { id, status }: Action): Html {
  if (!visitor.mayAct) return nothing
  if (status === 'pending' || status === 'running')
    return actionForm(visitor, `/actions/${id}/stop`, html`<button class="danger">Stop</button>`)
  if (status === 'stopped' || status === 'failed')
    return actionForm(visitor, `/actions/${id}/continue`, html`<button class="primary">Continue</button>`)
  return nothing
}

/** How far back the pace looks, milliseconds. */
const WINDOW_MS = 30_000
/** Actions that somebody looked at last; more would be somebody's script. */
const MAX_ACTIONS = 100

/**
 * How fast an action is right now, by what was seen of it at earlier looks: from the time of the request
 * it could not be told, as an action may have waited, been stopped or been paused meanwhile.
 */
export class Pace {
  readonly #looks = new Map<number, { readonly at: number; readonly done: number }[]>()

  /** @returns records a second; undefined at the first look, or where nothing moved since. */
  look({ id, done }: Pick<Action, 'id' | 'done'>, now: number): number | undefined {
    const looks = [...(this.#looks.get(id) ?? []), { at: now, done }].filter(
      ({ at }) => now - at <= WINDOW_MS,
    )
    this.#looks.delete(id)
    this.#looks.set(id, looks)
    if (this.#looks.size > MAX_ACTIONS) this.#looks.delete(this.#looks.keys().next().value!)
    const [first] = looks
    if (first === undefined || first.at === now || first.done >= done) return undefined
    return (done - first.done) / ((now - first.at) / 1_000)
  }
}
