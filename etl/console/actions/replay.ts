import { z } from 'zod'
import { planReplay, type ReplayPlan, replayRange } from '../../replay/plan.ts'
import { requestReplay } from '../../replay/request.ts'
import type { Console, Server } from '../../web/context.ts'
import { act, type Visitor } from '../../web/guard.ts'
import { ask, showAction } from '../answers.ts'
import { html, type Html } from '../html.ts'
import { actionForm, buttons, reasonField } from '../forms.ts'
import { asUtc, optionalReason, orEmpty } from '../../web/fields.ts'
import { count, offsets } from '../../text/wording.ts'
import { rangeInWords } from './words.ts'

const number = orEmpty(z.coerce.number())
const moment = orEmpty(z.preprocess(asUtc, z.string()))

/** The form's fields, of which the kind says which count. */
const ReplayForm = z.object({
  kind: z.enum(['all', 'offsets', 'time']),
  partition: number,
  from: number,
  to: number,
  since: moment,
  until: moment,
  dryRun: z.literal('on').optional(),
  reason: optionalReason,
})
type ReplayForm = z.output<typeof ReplayForm>

/** @throws ZodError that names the field. */
function rangeOf({ kind, partition, from, to, since, until }: ReplayForm) {
  const fields = { all: {}, offsets: { partition, from, to }, time: { from: since, to: until } }[kind]
  return replayRange.parse({ kind, ...fields })
}

/** Asks for the plan; what changes anything comes after it. */
export function replayForm(): Html {
  return html`<section>
    <h2>Replay</h2>
    <p class="hint">
      Reads what was loaded again and brings tax and fraud flags to the current code and settings. Loading
      goes on beside it.
    </p>
    <details>
      <summary>Ask for a replay…</summary>
      <form method="get" action="/actions/replay">
        <fieldset>
          <legend>What</legend>
          <label
            ><input type="radio" name="kind" value="all" checked /> Everything that Kafka still holds</label
          >
          <label><input type="radio" name="kind" value="offsets" /> Offsets of a partition</label>
          <label>Partition <input name="partition" type="number" min="0" inputmode="numeric" /></label>
          <label>From offset <input name="from" type="number" min="0" inputmode="numeric" /></label>
          <label>Up to, without it <input name="to" type="number" min="1" inputmode="numeric" /></label>
          <label><input type="radio" name="kind" value="time" /> Records that Kafka got in a time</label>
          <label>From (UTC) <input name="since" type="datetime-local" /></label>
          <label>Up to (UTC) <input name="until" type="datetime-local" /></label>
        </fieldset>
        <label><input type="checkbox" name="dryRun" checked /> Dry run: only say what would change</label>
        ${reasonField()}
        <button>See the plan…</button>
      </form>
    </details>
  </section>`
}

export function replayRoutes(server: Server, { pool, kafka, stream, config }: Console): void {
  const topic = config.KAFKA_TOPIC

  server.get('/actions/replay', act({ querystring: ReplayForm }), async (request, reply) => {
    const range = rangeOf(request.query)
    const plan = await planReplay(pool, kafka, topic, range)
    const title = request.query.dryRun === undefined ? 'Replay?' : 'Replay, dry run?'
    const asked = html`<p>What: ${rangeInWords(range)}.</p>
      ${planInWords(plan)} ${confirmForm(request.visitor!, request.query)}`
    return ask(request, reply, title, asked)
  })

  server.post('/actions/replay', act({ body: ReplayForm }), async (request, reply) => {
    const { dryRun, reason } = request.body
    const { action } = await requestReplay(pool, kafka, request.visitor!.operator, {
      stream: stream.name,
      topic,
      range: rangeOf(request.body),
      dryRun: dryRun !== undefined,
      reason,
    })
    return showAction(reply, action)
  })
}

function planInWords({ ranges, offsets: total, notes }: ReplayPlan): Html {
  return html`<p>${count(total, 'offset')} will be read again:</p>
    <ul>
      ${ranges.map(({ topic, partition, from, to }) => html`<li>${topic}/${partition}: ${offsets(from, to)}</li>`)}
    </ul>
    ${notes.map((note) => html`<p class="hint">${note}</p>`)}`
}

function confirmForm(visitor: Visitor, form: ReplayForm): Html {
  const fields = Object.entries(form).filter(([, value]) => value !== undefined)
  const real = form.dryRun === undefined
  return html`<p>
      ${real ? 'Tax and fraud flags of these facts change.' : 'Nothing is changed: it says what would change.'}
    </p>
    ${actionForm(
      visitor,
      '/actions/replay',
      html`${fields.map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`)}
      ${buttons(real ? 'Replay' : 'Start the dry run', real ? 'danger' : 'primary')}`,
    )} `
}
