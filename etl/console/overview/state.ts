import type { Overview } from '../../status/overview.ts'
import { count, thousands } from '../../text/wording.ts'
import { ago, moment, until } from '../format.ts'
import { html, nothing, type Html } from '../html.ts'
import { icon, type Icon, type Tone, badge } from '../icons.ts'
import type { Action } from '../../operations/actions.ts'
import { type Condition, MOST_COUNTED } from '../../status/operating-state.ts'

interface Description {
  readonly title: string
  readonly tone: Tone
  readonly icon: Icon
  readonly detail: Html
  /** Where one acts or finds out more. */
  readonly next?: { readonly href: string; readonly words: string }
}

export function describe(condition: Condition): Description {
  return { ...LOOKS[condition.kind], ...inWords(condition) }
}

const LOOKS: Readonly<Record<Condition['kind'], Pick<Description, 'title' | 'tone' | 'icon'>>> = {
  paused: { title: 'Paused', tone: 'warn', icon: 'pause' },
  stopped: { title: 'Partition stopped', tone: 'bad', icon: 'stop' },
  late: { title: 'Late', tone: 'bad', icon: 'clock' },
  'kafka-unreachable': { title: 'Kafka unreachable', tone: 'bad', icon: 'unplugged' },
  'no-topic': { title: 'No topic', tone: 'bad', icon: 'unplugged' },
  unwritable: { title: 'Warehouse takes no writes', tone: 'bad', icon: 'unplugged' },
  'no-worker': { title: 'No worker', tone: 'bad', icon: 'unplugged' },
  failing: { title: 'Failing', tone: 'bad', icon: 'warning' },
  running: { title: 'Running', tone: 'busy', icon: 'play' },
  idle: { title: 'Idle', tone: 'good', icon: 'check' },
}

function inWords(condition: Condition): Pick<Description, 'detail' | 'next'> & { title?: string } {
  switch (condition.kind) {
    case 'paused':
      return {
        detail: html`By ${condition.by ?? 'somebody'}
        ${ago(condition.since)}${condition.reason === null ? nothing : html`: <q>${condition.reason}</q>`}.
        Nothing is loaded until somebody resumes; records wait in Kafka.`,
        next: { href: '/actions', words: 'Resume' },
      }
    case 'stopped': {
      const { partitions, since } = condition
      const next = { href: '/actions', words: 'Decide' }
      if (partitions.length === 1)
        return {
          detail: html`Partition ${partitions[0]} stopped ${ago(since)} and waits for an operator.`,
          next,
        }
      return {
        title: 'Partitions stopped',
        detail: html`Partitions ${partitions.join(', ')} wait for an operator, the first of them stopped
        ${ago(since)}.`,
        next,
      }
    }
    case 'late':
      return {
        detail: html`No run has succeeded since ${moment(condition.since)}.`,
        next: { href: '/runs', words: 'Look at the runs' },
      }
    case 'kafka-unreachable':
      return { detail: html`No worker is connected: ${condition.problem}. They try again by themselves.` }
    case 'no-topic':
      return {
        detail: html`The stream’s topic or that of its dead letters is not there:
          <code>npm run topics</code> makes both. The worker begins by itself then.`,
      }
    case 'unwritable':
      return {
        detail: html`The worker that serves this page says: <q>${firstLine(condition.problem)}</q>. Nothing
          can be loaded; records wait in Kafka.`,
      }
    case 'no-worker':
      return {
        detail: html`No worker has said that it is there. One that has just started does so within seconds.`,
      }
    case 'failing':
      return {
        detail: html`The last run ${condition.run.status === 'abandoned' ? 'was abandoned' : 'failed'}
          ${ago(condition.run.startedAt)}:
          <q>${firstLine(condition.run.error ?? 'no reason was written down')}</q>`,
        next: { href: `/runs/${condition.run.id}`, words: `Run ${condition.run.id}` },
      }
    case 'running':
      return {
        detail: html`<a href="/runs/${condition.run.id}">Run ${condition.run.id}</a> began
          ${ago(condition.since)}; ${count(condition.run.consumed, 'record')} so far.`,
      }
    case 'idle':
      break
  }
  return { detail: html`All is well; it waits for the next tick.` }
}

const firstLine = (text: string): string => text.split('\n', 1)[0]!.slice(0, 300)

/** The state in large letters, whatever else is wrong below it, and when it will tick next. */
export function stateBanner({ conditions, control, workers }: Overview): Html {
  const [first, ...others] = conditions.map(describe) as [Description, ...Description[]]
  return html`<section class="state ${first.tone}" data-state="${first.title}" aria-label="State">
    <div class="headline">${icon(first.icon)}<strong>${first.title}</strong></div>
    <div class="detail">
      <p>${first.detail} ${goOn(first)}</p>
      ${others.map(
        (also) =>
          html`<p class="also">
            ${icon(also.icon)}<strong>${also.title}.</strong> ${also.detail} ${goOn(also)}
          </p>`,
      )}
    </div>
    ${control.pausedAt === null ? nextTick(workers) : nothing}
  </section>`
}

const goOn = ({ next }: Description): Html =>
  next === undefined ? nothing : html`<a class="go" href="${next.href}">${next.words}</a>`

function nextTick(workers: Overview['workers']): Html {
  const times = workers.flatMap(({ nextTickAt }) => nextTickAt ?? [])
  if (times.length === 0) return nothing
  const next = new Date(Math.min(...times.map((time) => time.getTime())))
  return html`<p class="tick"><span class="hint">Next tick</span> ${until(next)}</p>`
}

/** What needs a person comes first; each item leads to where one acts. */
export function attentionSection({ attention, partitions }: Overview): Html {
  const stopped = partitions.filter(({ stoppedAt }) => stoppedAt !== null)
  const items = [
    ...stopped.map(
      ({ partition, stopCode, stopReason }) =>
        html`<li>
          ${badge('bad', 'stop', `Partition ${partition} stopped`)}
          <span><code>${stopCode}</code> ${stopReason}</span> <a class="go" href="/actions">Decide</a>
        </li>`,
    ),
    item(attention.openAlerts, 'open alert', '/alerts', 'bad', 'warning'),
    item(attention.unacknowledgedLosses, 'unacknowledged data loss', '/actions', 'bad', 'warning'),
    item(attention.openDeadLetters, 'open dead letter', '/dead-letters', 'warn', 'warning'),
    item(attention.unpublishedDeadLetters, 'dead letter not yet published', '/dead-letters', 'calm', 'clock'),
    ...attention.actions.map(inBackground),
  ].filter((one) => one !== nothing)
  return html`<section aria-labelledby="attention">
    <h2 id="attention">Needs a person</h2>
    ${
      items.length === 0
        ? html`<p class="none">Nothing waits for you.</p>`
        : html`<ul class="attention">
            ${items}
          </ul>`
    }
  </section>`
}

function item(n: number, what: string, href: string, tone: Tone, sign: Icon): Html {
  if (n === 0) return nothing
  const most = n === MOST_COUNTED ? ' or more' : ''
  return html`<li>
    ${badge(tone, sign, `${thousands(n)}${most} ${n === 1 ? what : plural(what)}`)}
    <a class="go" href="${href}">Look</a>
  </li>`
}

const plural = (what: string): string =>
  what.endsWith('loss')
    ? `${what}es`
    : what.replace('dead letter', 'dead letters').replace(/alert$/, 'alerts')

/** How far a replay, a redrive or a dismissal has come. */
function inBackground({ id, action, status, done, total, requestedBy, requestedAt }: Action): Html {
  const name = action[0]!.toUpperCase() + action.slice(1)
  return html`<li>
    ${badge('busy', 'play', `${name} ${status}`)}
    <span>
      ${
        total === null
          ? `${thousands(done)} done`
          : html`<progress
                max="${Math.max(total, 1)}"
                value="${Math.min(done, total)}"
                aria-label="${name} ${id}"
              ></progress>
              ${thousands(done)} of ${thousands(total)}`
      }
      <span class="hint">by ${requestedBy} ${ago(requestedAt)}</span>
    </span>
    <a class="go" href="/actions/${id}">Look</a>
  </li>`
}
