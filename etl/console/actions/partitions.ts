import { z } from 'zod'
import {
  continueStopped,
  lookAt,
  newIncarnation,
  requireMayGoOn,
  type PartitionNow,
} from '../../partitions/stopped.ts'
import { ActionRefused } from '../../operations/actions.ts'
import type { PartitionLag } from '../../partitions/lag.ts'
import { count, offsets } from '../../text/wording.ts'
import type { Console, Server } from '../../web/context.ts'
import { ago } from '../format.ts'
import type { Visitor } from '../../web/guard.ts'
import { html, nothing, type Html } from '../html.ts'
import { actionForm, page } from '../layout.ts'
import { visible } from '../dead-letters/visible.ts'
import { wholeNumber } from '../../web/fields.ts'
import { table, type Column } from '../table.ts'

const partitionInPath = z.object({ partition: wholeNumber })
const Go = z.object({ from: wholeNumber, to: wholeNumber })
const Anew = z
  .object({
    incarnation: wholeNumber,
    start: z.enum(['beginning', 'offset']),
    offset: z
      .literal('')
      .transform(() => undefined)
      .or(wholeNumber)
      .optional(),
    confirm: z.string(),
  })
  .refine(({ start, offset }) => start === 'beginning' || offset !== undefined, {
    path: ['offset'],
    error: 'say from which offset',
  })

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

const ACT: Column<PartitionLag> = {
  heading: 'Act',
  of: ({ partition, stopCode }) =>
    html`${stopCode === 'another_owner' ? html`<a href="/actions/take-over">Take the group over…</a>` : nothing}
      ${
        stopCode !== null && stopCode !== 'another_owner'
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

const show = (visitor: Visitor, title: string, content: Html): Html =>
  page({
    title,
    menu: '/actions',
    visitor,
    content: html`<h1>${title}</h1>
      ${content}`,
  })

/** Each shows first what it will do, by what Kafka says now; and does it only to what was shown. */
export function partitionRoutes(server: Server, { pool, kafka, config }: Console): void {
  const act = { config: { access: 'act' } } as const
  const look = (partition: number) => lookAt(pool, kafka, { topic: config.KAFKA_TOPIC, partition })
  const go = '/actions/partitions/:partition/continue'
  server.get(go, { ...act, schema: { params: partitionInPath } }, async (request, reply) => {
    const now = await look(request.params.partition)
    await requireMayGoOn(kafka, now)
    const visitor = request.visitor!
    return reply.html(show(visitor, `Let ${nameOf(now)} go on?`, continueForm(visitor, now)))
  })
  server.post(go, { ...act, schema: { params: partitionInPath, body: Go } }, async (request, reply) => {
    const seen = asShown(await look(request.params.partition), request.body)
    const action = await continueStopped(pool, kafka, request.visitor!.operator, seen)
    return reply.redirect(`/actions/${action.id}`, 303)
  })

  const anew = '/actions/partitions/:partition/new-incarnation'
  server.get(anew, { ...act, schema: { params: partitionInPath } }, async (request, reply) => {
    const now = await look(request.params.partition)
    const visitor = request.visitor!
    return reply.html(show(visitor, `New incarnation of ${nameOf(now)}?`, incarnationForm(visitor, now)))
  })
  server.post(anew, { ...act, schema: { params: partitionInPath, body: Anew } }, async (request, reply) => {
    const now = await look(request.params.partition)
    const { incarnation, offset = now.start, start, confirm } = request.body
    if (confirm.trim() !== nameOf(now))
      throw new ActionRefused(`Type ${nameOf(now)} to confirm; nothing was done.`)
    if (now.progress.incarnation !== incarnation) throw changed(now)
    const from = start === 'beginning' ? now.start : offset
    const action = await newIncarnation(pool, request.visitor!.operator, now, from)
    return reply.redirect(`/actions/${action.id}`, 303)
  })
}

const nameOf = ({ progress }: PartitionNow): string => `${progress.topic}/${progress.partition}`

const changed = (now: PartitionNow): ActionRefused =>
  new ActionRefused(`${nameOf(now)} was changed meanwhile; nothing was done. Look again.`)

/** What was shown is accepted, and not what the log got since. @throws ActionRefused where it was another state. */
function asShown(now: PartitionNow, { from, to }: z.output<typeof Go>): PartitionNow {
  if (now.progress.nextOffset !== from || to > now.end) throw changed(now)
  return { ...now, end: to }
}

function continueForm(visitor: Visitor, { progress, end }: PartitionNow): Html {
  const { nextOffset, partition, stopCode, stopReason } = progress
  return html`<p class="notice bad">It is stopped: ${visible(stopReason ?? '')}</p>
    <p>
      ${
        stopCode === 'mass_rejection'
          ? html`It will load ${offsets(nextOffset, end)} (${count(end - nextOffset, 'offset')}), whatever
            share of them becomes dead letters. What comes later is held against the ratio again.`
          : html`Its log is the one that was loaded: it goes on at offset ${nextOffset}.`
      }
    </p>
    ${actionForm(
      visitor,
      `/actions/partitions/${partition}/continue`,
      html`<input type="hidden" name="from" value="${nextOffset}" />
        <input type="hidden" name="to" value="${end}" />
        <p class="buttons">
          <button class="primary">Let it go on</button> <a class="button" href="/actions">Cancel</a>
        </p>`,
    )}`
}

function incarnationForm(visitor: Visitor, now: PartitionNow): Html {
  const { progress, start, end } = now
  const { partition, incarnation, nextOffset, stopCode, stopReason } = progress
  return html`${
      stopCode === null
        ? html`<p class="notice warn">
            It is not stopped: as far as the job knows its log is the one it was loading, at ${nextOffset}.
          </p>`
        : html`<p class="notice bad">
            It is stopped (<code>${stopCode}</code>): ${visible(stopReason ?? '')}
          </p>`
    }
    <p>
      For a log that is not the one we knew: a topic made anew, another cluster. It holds offsets ${start} to
      ${end}. Its records are read as new ones; orders that are in the warehouse become duplicates. Offsets
      before the one you choose are never read. It can’t be undone.
    </p>
    ${actionForm(
      visitor,
      `/actions/partitions/${partition}/new-incarnation`,
      html`<input type="hidden" name="incarnation" value="${incarnation}" />
        <fieldset>
          <legend>Where incarnation ${incarnation + 1} begins</legend>
          <label
            ><input type="radio" name="start" value="beginning" checked /> At the beginning, ${start}</label
          >
          <label><input type="radio" name="start" value="offset" /> At an offset</label>
          <label
            >Offset <input name="offset" type="number" min="${start}" max="${end}" inputmode="numeric"
          /></label>
        </fieldset>
        <label>Type ${nameOf(now)} to confirm <input name="confirm" required autocomplete="off" /></label>
        <p class="buttons">
          <button class="danger">Begin a new incarnation</button> <a class="button" href="/actions">Cancel</a>
        </p>`,
    )}`
}
