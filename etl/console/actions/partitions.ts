import type { PartitionLag } from '../../partitions/lag.ts'
import { ago, moment } from '../format.ts'
import { showAction } from '../answers.ts'
import { html, nothing, visible, type Html } from '../html.ts'
import { table, type Column } from '../table.ts'
import { z } from 'zod'
import { acknowledgeLoss, type DataLoss } from '../../partitions/losses.ts'
import type { Console, Server } from '../../web/context.ts'
import { act, type Visitor } from '../../web/guard.ts'
import { actionForm, reasonField } from '../forms.ts'
import { reason, wholeNumber } from '../../web/fields.ts'
import { offsets } from '../../text/wording.ts'
import type { StopCode } from '../../stream/types.ts'

/** The partitions, and the ways to what can be done with one that stands still. */
export function partitions(visitor: Visitor, topic: string, all: readonly PartitionLag[]): Html {
  const columns: readonly Column<PartitionLag>[] = [
    { heading: 'Partition', of: ({ partition }) => `${topic}/${partition}` },
    { heading: 'State', wide: true, of: state },
    { heading: 'Watermark', right: true, of: ({ watermark }) => String(watermark) },
    { heading: 'Incarnation', of: ({ incarnation }) => incarnation },
  ]
  return html`<h2>Partitions</h2>
    ${table(all, visitor.mayAct ? [...columns, ACT] : columns, {
      caption: 'Partitions',
      hideCaption: true,
      none: 'No partition has a watermark: nothing was loaded yet.',
    })}`
}

function state({ stoppedAt, stopCode, stopReason }: PartitionLag): Html {
  return stoppedAt === null
    ? html`<span class="badge good">goes on</span>`
    : html`<span class="badge bad">stopped</span> <code>${stopCode}</code> ${ago(stoppedAt)}:
        ${visible(stopReason ?? '')}`
}

/** Stops that end otherwise than by letting the partition go on. */
const NOT_CONTINUED: readonly StopCode[] = ['another_owner', 'partitions_grew', 'moved']

const ACT: Column<PartitionLag> = {
  heading: 'Act',
  of: ({ partition, stopCode }) =>
    html`${stopCode === 'another_owner' ? html`<a href="/actions/take-over">Take the group over…</a>` : nothing}
      ${
        stopCode !== null && !NOT_CONTINUED.includes(stopCode)
          ? html`<a
              href="/actions/partitions/${partition}/continue"
              aria-label="Let partition ${partition} go on"
              >Let it go on…</a
            >`
          : nothing
      }
      <a
        href="/actions/partitions/${partition}/new-incarnation"
        aria-label="New incarnation of partition ${partition}"
        >New incarnation…</a
      >`,
}

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
          ${reasonField({ needed: true })}
          <p class="hint">It stays on record with your reason, and no longer fails pulse reconcile.</p>
          <button class="danger">Acknowledge the loss</button>`,
      )}
    </details>`
}

export function lossRoutes(server: Server, { pool, stream, config }: Console): void {
  server.post('/actions/losses/acknowledge', act({ body: Loss }), async (request, reply) => {
    const { reason: why, ...loss } = request.body
    const { operator } = request.visitor!
    return showAction(
      reply,
      await acknowledgeLoss(pool, operator, { stream: stream.name, topic: config.KAFKA_TOPIC, ...loss }, why),
    )
  })
}
