import type { Action } from '../../operations/actions.ts'
import { MOST_COUNTED } from '../../status/operating-state.ts'
import type { Overview } from '../../status/overview.ts'
import { thousands } from '../../text/wording.ts'
import { ago } from '../format.ts'
import { html, nothing, type Html } from '../html.ts'
import { badge, type Icon, type Tone } from '../icons.ts'

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
