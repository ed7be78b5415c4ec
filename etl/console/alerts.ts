import { alertPath } from '../alerts/rules.ts'
import { readAlerts, type Alert, type NotificationState } from '../alerts/alert.ts'
import { count, duration } from '../text/wording.ts'
import type { Console, Server } from '../web/context.ts'
import { instant, moment, until } from './format.ts'
import { showPage } from './answers.ts'
import { html, nothing, type Html } from './html.ts'
import { badge } from './icons.ts'
import { actionForm } from './forms.ts'
import { table } from './table.ts'
import { view, type Visitor } from '../web/guard.ts'

/** Past ones that are listed; housekeeping keeps more. */
const ALERTS = 100

export function alertPages(server: Server, { pool, stream }: Console): void {
  server.get('/alerts', view(), async (request, reply) => {
    const alerts = await readAlerts(pool, stream.name, { open: false, limit: ALERTS })
    return showPage(request, reply, {
      title: 'Alerts',
      menu: '/alerts',
      live: 10,
      content: alertsView(alerts, request.visitor!),
    })
  })
}

function alertsView(alerts: readonly Alert[], visitor: Visitor): Html {
  const open = alerts.filter(({ endedAt }) => endedAt === null)
  const past = alerts.filter(({ endedAt }) => endedAt !== null)
  return html`<div class="heading">
      <h1>Alerts</h1>
      ${visitor.mayAct ? actionForm(visitor, '/actions/test-alert', html`<button>Send a test</button>`) : nothing}
    </div>
    <section aria-labelledby="open">
      <h2 id="open">Open</h2>
      ${open.length === 0 ? html`<p class="none">Nothing is wrong.</p>` : open.map(openAlert)}
    </section>
    <section aria-labelledby="past">
      <h2 id="past">Past</h2>
      ${table(
        past,
        [
          { heading: 'Alert', wide: true, of: ({ summary }) => summary },
          { heading: 'Severity', of: severity },
          { heading: 'Began', of: ({ startedAt }) => moment(startedAt) },
          {
            heading: 'Lasted',
            right: true,
            of: ({ startedAt, endedAt }) => duration(endedAt!.getTime() - startedAt.getTime()),
          },
          { heading: 'Told', wide: true, of: ({ notifications }) => told(notifications) },
        ],
        { caption: 'Alerts that are over', hideCaption: true, none: 'There was none.' },
      )}
    </section>`
}

const severity = ({ severity: word }: Alert): Html =>
  word === 'critical' ? badge('bad', 'warning', 'critical') : badge('warn', 'warning', 'warning')

function openAlert(alert: Alert): Html {
  return html`<article class="alert ${alert.severity}" id="alert-${alert.id}">
    <h3>${severity(alert)} ${alert.summary}</h3>
    <p>Since ${moment(alert.startedAt)}</p>
    <p><strong>First:</strong> ${alert.firstAction} <a class="go" href="${alertPath(alert.rule)}">Look</a></p>
    <div class="hint">${told(alert.notifications)}</div>
  </article>`
}

/** What became of telling it, for each channel. */
function told(notifications: readonly NotificationState[]): Html {
  if (notifications.length === 0) return html`<span class="hint">no channel is set</span>`
  return html`<ul class="told">
    ${notifications.map(
      ({ channel, event, state, sentAt, attempts, lastError, nextAttemptAt }) =>
        html`<li>
          ${channel}, ${event}:
          ${
            state === 'sent' && sentAt !== null
              ? html`sent ${instant(sentAt)}`
              : state === 'given up'
                ? html`<span class="error">not sent: ${lastError}</span>`
                : html`waiting
                  ${attempts === 0 ? nothing : html`after ${count(attempts, 'attempt')}: ${lastError}; the next ${until(nextAttemptAt)}`}`
          }
        </li>`,
    )}
  </ul>`
}
