import { z } from 'zod'
import type { Action, Operator } from '../../operations/actions.ts'
import type { DeadLetterFilter } from '../../dead-letters/filter.ts'
import { requestDismiss } from '../../dead-letters/dismiss.ts'
import { requestRedrive } from '../../dead-letters/redrive.ts'
import { listDeadLetters } from '../../dead-letters/list.ts'
import type { Console, Server } from '../../web/context.ts'
import { act } from '../../web/guard.ts'
import { showAction, showPage } from '../answers.ts'
import { actionForm, buttons, reasonField } from '../forms.ts'
import { link } from '../links.ts'
import { optionalReason, wholeNumber } from '../../web/fields.ts'
import { count, thousands } from '../../text/wording.ts'
import { filterInUrl, filterInWords, queryOf } from './filter.ts'
import { groupsAndCount, lettersTable } from './list.ts'
import { html, nothing, visible, type Html } from '../html.ts'

/** The body of the form; which dead letters are meant stands in its address. */
const Confirmed = z.object({ reason: optionalReason, expectedCount: wholeNumber })

/** What can be done to all open dead letters that match. */
interface Verb {
  readonly path: 'redrive' | 'dismiss'
  readonly title: string
  readonly consequence: string
  readonly reasonNeeded: boolean
  readonly button: 'primary' | 'danger'
  readonly request: (
    by: Operator,
    filter: DeadLetterFilter,
    confirmed: z.output<typeof Confirmed>,
  ) => Promise<Action>
}

const SAMPLE = 5
const SHOWN_GROUPS = 10

/** Redrive and dismissal of everything that matches: a page that says what will happen, then a worker does it. */
export function actRoutes(server: Server, { pool, stream: { name: stream }, config }: Console): void {
  const verbs: readonly Verb[] = [
    {
      path: 'redrive',
      title: 'Redrive',
      consequence:
        'Their records go to the topic again as they are, with the header redrive-of, and the next run reads them. What is loaded or a duplicate is resolved; what fails again is a new dead letter. Those that wait for the outcome of an earlier redrive are passed over.',
      reasonNeeded: false,
      button: 'primary',
      request: (by, filter, { reason, expectedCount }) =>
        requestRedrive(pool, by, filter, reason, { stream, topic: config.KAFKA_TOPIC, expectedCount }),
    },
    {
      path: 'dismiss',
      title: 'Dismiss',
      consequence:
        'They are resolved with your reason and never loaded. Their bytes stay until housekeeping takes them. It can’t be undone.',
      reasonNeeded: true,
      button: 'danger',
      request: (by, filter, { reason, expectedCount }) =>
        requestDismiss(pool, by, filter, reason ?? '', { stream, expectedCount }),
    },
  ]
  for (const verb of verbs) {
    const path = `/dead-letters/${verb.path}`
    server.get(path, act({ querystring: filterInUrl }), async (request, reply) => {
      const filter = request.query
      const { groups, found } = await groupsAndCount(pool, stream, filter)
      const sample = found === 0 ? [] : await listDeadLetters(pool, stream, filter, { limit: SAMPLE })
      const what = count(found, 'open dead letter')
      return showPage(request, reply, {
        title: `${verb.title} ${what}`,
        menu: '/dead-letters',
        content: html`<h1>${verb.title} ${what}?</h1>
          <p>Which: ${visible(filterInWords(filter))}.</p>
          <p>${verb.consequence}</p>
          ${
            found === 0
              ? html`<p class="notice">None is open: there is nothing to do.</p>`
              : actionForm(request.visitor!, link(path, queryOf(filter)), fields(verb, filter, found))
          }
          ${groups.length < 2 ? nothing : groupsList(groups)}
          ${sample.length < found ? html`<p class="hint">The latest ${sample.length}:</p>` : nothing}
          ${lettersTable(sample)}`,
      })
    })
    server.post(path, act({ querystring: filterInUrl, body: Confirmed }), async (request, reply) => {
      return showAction(reply, await verb.request(request.visitor!.operator, request.query, request.body))
    })
  }
}

function fields({ title, reasonNeeded, button }: Verb, filter: DeadLetterFilter, found: number): Html {
  return html`<input type="hidden" name="expectedCount" value="${found}" />
    ${reasonField({ needed: reasonNeeded })}
    <p class="hint">
      For whoever reads the record in a year. Where another number matches by then, nothing is done.
    </p>
    ${buttons(`${title} ${thousands(found)}`, button, link('/dead-letters', queryOf(filter)))}`
}

function groupsList(groups: readonly { failure: string; count: number }[]): Html {
  return html`<ul>
    ${groups
      .slice(0, SHOWN_GROUPS)
      .map((group) => html`<li>${thousands(group.count)} ${visible(group.failure)}</li>`)}
    ${groups.length > SHOWN_GROUPS ? html`<li>and ${count(groups.length - SHOWN_GROUPS, 'more group')}</li>` : nothing}
  </ul>`
}
