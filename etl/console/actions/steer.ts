import { z } from 'zod'
import {
  continueStopped,
  howItGoesOn,
  lookAt,
  newIncarnation,
  requireMayGoOn,
  type PartitionNow,
} from '../../partitions/stopped.ts'
import { ActionRefused } from '../../operations/actions.ts'
import { count, offsets } from '../../text/wording.ts'
import type { Console, Server } from '../../web/context.ts'
import { act, type Visitor } from '../../web/guard.ts'
import { ask, showAction } from '../answers.ts'
import { actionForm, buttons, requireTyped, typedName } from '../forms.ts'
import { html, visible, type Html } from '../html.ts'
import { orEmpty, wholeNumber } from '../../web/fields.ts'
import { lookAtGroup, requireOthers, takeOverGroup, type GroupNow } from '../../partitions/take-over.ts'

const partitionInPath = z.object({ partition: wholeNumber })
const Go = z.object({ from: wholeNumber, to: wholeNumber })
const Anew = z
  .object({
    incarnation: wholeNumber,
    start: z.enum(['beginning', 'offset']),
    offset: orEmpty(wholeNumber),
    confirm: z.string(),
  })
  .refine(({ start, offset }) => start === 'beginning' || offset !== undefined, {
    path: ['offset'],
    error: 'say from which offset',
  })

/** Each shows first what it will do, by what Kafka says now; and does it only to what was shown. */
export function partitionRoutes(server: Server, { pool, kafka, config }: Console): void {
  const look = (partition: number) => lookAt(pool, kafka, { topic: config.KAFKA_TOPIC, partition })
  const go = '/actions/partitions/:partition/continue'
  server.get(go, act({ params: partitionInPath }), async (request, reply) => {
    const now = await look(request.params.partition)
    await requireMayGoOn(kafka, now)
    return ask(request, reply, `Let ${nameOf(now)} go on?`, continueForm(request.visitor!, now))
  })
  server.post(go, act({ params: partitionInPath, body: Go }), async (request, reply) => {
    const seen = asShown(await look(request.params.partition), request.body)
    return showAction(reply, await continueStopped(pool, kafka, request.visitor!.operator, seen))
  })

  const anew = '/actions/partitions/:partition/new-incarnation'
  server.get(anew, act({ params: partitionInPath }), async (request, reply) => {
    const now = await look(request.params.partition)
    return ask(request, reply, `New incarnation of ${nameOf(now)}?`, incarnationForm(request.visitor!, now))
  })
  server.post(anew, act({ params: partitionInPath, body: Anew }), async (request, reply) => {
    const now = await look(request.params.partition)
    const { incarnation, offset = now.start, start, confirm } = request.body
    requireTyped(confirm, nameOf(now))
    if (now.progress.incarnation !== incarnation) throw changed(now)
    const from = start === 'beginning' ? now.start : offset
    return showAction(reply, await newIncarnation(pool, request.visitor!.operator, now, from))
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
          : howItGoesOn(progress)
      }
    </p>
    ${actionForm(
      visitor,
      `/actions/partitions/${partition}/continue`,
      html`<input type="hidden" name="from" value="${nextOffset}" />
        <input type="hidden" name="to" value="${end}" />
        ${buttons('Let it go on', 'primary')}`,
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
        ${typedName(nameOf(now))} ${buttons('Begin a new incarnation', 'danger')}`,
    )}`
}

const TakeOver = z.object({ from: z.string(), confirm: z.string() })
const TAKE_OVER = '/actions/take-over'

/** Shows first whose the group is, by what Kafka says now; and takes it over only from whom was shown. */
export function takeOverRoutes(server: Server, { pool, kafka, stream, config }: Console): void {
  const { KAFKA_TOPIC: topic, KAFKA_GROUP_ID: groupId } = config
  const group = { stream: stream.name, topic, groupId }

  server.get(TAKE_OVER, act(), async (request, reply) => {
    const now = await lookAtGroup(pool, kafka, group)
    requireOthers(now)
    return ask(request, reply, `Take the group ${groupId} over?`, takeOverForm(request.visitor!, now))
  })
  server.post(TAKE_OVER, act({ body: TakeOver }), async (request, reply) => {
    const { from, confirm } = request.body
    requireTyped(confirm, groupId)
    const now = await lookAtGroup(pool, kafka, group)
    if (holdersOf(now) !== from)
      throw new ActionRefused(`The group ${groupId} was changed meanwhile; nothing was done. Look again.`)
    return showAction(reply, await takeOverGroup(pool, kafka, request.visitor!.operator, now))
  })
}

const holdersOf = ({ others }: GroupNow): string => others.join(' and ')

function takeOverForm(visitor: Visitor, now: GroupNow): Html {
  return html`<p class="notice bad">
      The offsets of group ${now.groupId} are those of <b>${visible(holdersOf(now))}</b>. This is
      <b>${visible(now.owner)}</b>.
    </p>
    <p>
      This warehouse will have the group for itself and load ${now.topic} from its own watermarks. The other
      one has to be stopped before; should it start again, it stays out and says so.
    </p>
    ${actionForm(
      visitor,
      TAKE_OVER,
      html`<input type="hidden" name="from" value="${holdersOf(now)}" /> ${typedName(now.groupId)}
        ${buttons('Take the group over', 'danger')}`,
    )}`
}
