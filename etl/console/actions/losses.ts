import { z } from 'zod'
import { acknowledgeLoss, type DataLoss } from '../../partitions/losses.ts'
import type { Console, Server } from '../../web/context.ts'
import type { Visitor } from '../../web/guard.ts'
import { html, nothing, type Html } from '../html.ts'
import { actionForm } from '../layout.ts'
import { reason, wholeNumber } from '../../web/fields.ts'
import { offsets } from '../../text/wording.ts'
import { moment } from '../format.ts'

const Loss = z.object({ partition: wholeNumber, incarnation: wholeNumber, from: wholeNumber, reason })

/** Losses that nobody has taken note of. */
export function losses(visitor: Visitor, all: readonly DataLoss[]): Html {
  const open = all.filter(({ acknowledgedBy }) => acknowledgedBy === null)
  if (open.length === 0) return nothing
  return html`<h2>Data losses</h2>
    <p class="notice bad">
      Kafka no longer held these offsets when the job came to them. They stay a finding until somebody says
      why.
    </p>
    ${open.map((loss) => html`<section>${lossForm(visitor, loss)}</section>`)}`
}

function lossForm(visitor: Visitor, { topic, partition, incarnation, from, to, detectedAt }: DataLoss): Html {
  const what = html`<h3>${topic}/${partition}: ${offsets(from, to)}</h3>
    <p class="hint">Incarnation ${incarnation}, seen at ${moment(detectedAt)}</p>`
  if (!visitor.mayAct) return what
  return html`${what}
    <details>
      <summary>Acknowledge it…</summary>
      ${actionForm(
        visitor,
        '/actions/losses/acknowledge',
        html`<input type="hidden" name="partition" value="${partition}" />
          <input type="hidden" name="incarnation" value="${incarnation}" />
          <input type="hidden" name="from" value="${from}" />
          <label>Reason <input name="reason" required maxlength="500" /></label>
          <p class="hint">It stays on record with your reason, and no longer fails pulse reconcile.</p>
          <button class="danger">Acknowledge the loss</button>`,
      )}
    </details>`
}

export function lossRoutes(server: Server, { pool, config }: Console): void {
  server.post(
    '/actions/losses/acknowledge',
    { config: { access: 'act' }, schema: { body: Loss } },
    async (request, reply) => {
      const { reason: why, ...loss } = request.body
      const { operator } = request.visitor!
      const action = await acknowledgeLoss(pool, operator, { topic: config.KAFKA_TOPIC, ...loss }, why)
      return reply.redirect(`/actions/${action.id}`, 303)
    },
  )
}
