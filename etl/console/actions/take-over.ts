import { z } from 'zod'
import { ActionRefused } from '../../operations/actions.ts'
import { lookAtGroup, requireOthers, takeOverGroup, type GroupNow } from '../../partitions/take-over.ts'
import type { Console, Server } from '../../web/context.ts'
import type { Visitor } from '../../web/guard.ts'
import { html, type Html } from '../html.ts'
import { actionForm, page } from '../layout.ts'
import { visible } from '../dead-letters/visible.ts'

const TakeOver = z.object({ from: z.string(), confirm: z.string() })
const PATH = '/actions/take-over'

/** Shows first whose the group is, by what Kafka says now; and takes it over only from whom was shown. */
export function takeOverRoutes(server: Server, { pool, kafka, config }: Console): void {
  const act = { config: { access: 'act' } } as const
  const { KAFKA_TOPIC: topic, KAFKA_GROUP_ID: groupId } = config

  server.get(PATH, act, async (request, reply) => {
    const now = await lookAtGroup(pool, kafka, { topic, groupId })
    requireOthers(now)
    const visitor = request.visitor!
    const title = `Take the group ${groupId} over?`
    return reply.html(
      page({
        title,
        menu: '/actions',
        visitor,
        content: html`<h1>${title}</h1>
          ${form(visitor, now)}`,
      }),
    )
  })
  server.post(PATH, { ...act, schema: { body: TakeOver } }, async (request, reply) => {
    const { from, confirm } = request.body
    if (confirm.trim() !== groupId) throw new ActionRefused(`Type ${groupId} to confirm; nothing was done.`)
    const now = await lookAtGroup(pool, kafka, { topic, groupId })
    if (nameOf(now) !== from)
      throw new ActionRefused(`The group ${groupId} was changed meanwhile; nothing was done. Look again.`)
    const action = await takeOverGroup(pool, kafka, request.visitor!.operator, now)
    return reply.redirect(`/actions/${action.id}`, 303)
  })
}

const nameOf = ({ others }: GroupNow): string => others.join(' and ')

function form(visitor: Visitor, now: GroupNow): Html {
  return html`<p class="notice bad">
      The offsets of group ${now.groupId} are those of <b>${visible(nameOf(now))}</b>. This is
      <b>${visible(now.owner)}</b>.
    </p>
    <p>
      This warehouse will have the group for itself and load ${now.topic} from its own watermarks. The other
      one has to be stopped before; should it start again, it stays out and says so.
    </p>
    ${actionForm(
      visitor,
      PATH,
      html`<input type="hidden" name="from" value="${nameOf(now)}" />
        <label>Type ${now.groupId} to confirm <input name="confirm" required autocomplete="off" /></label>
        <p class="buttons">
          <button class="danger">Take the group over</button> <a class="button" href="/actions">Cancel</a>
        </p>`,
    )}`
}
