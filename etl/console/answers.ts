import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Action } from '../operations/actions.ts'
import { html, type Html } from './html.ts'
import { page } from './layout.ts'

type Request = Pick<FastifyRequest, 'visitor' | 'server'>
type Reply = Pick<FastifyReply, 'html' | 'redirect'>
type Page = Omit<Parameters<typeof page>[0], 'visitor' | 'place' | 'live'> & {
  readonly live?: number | undefined
}

/** A page for whoever asked. */
export function showPage({ visitor, server }: Request, reply: Reply, { live, ...what }: Page): FastifyReply {
  return reply.html(
    page({ ...what, place: server.place, visitor: visitor!, ...(live === undefined ? {} : { live }) }),
  )
}

/** A page that shows what an action will do, and asks whether to. */
export function ask(request: Request, reply: Reply, title: string, content: Html): FastifyReply {
  const asked = html`<h1>${title}</h1>
    ${content}`
  return showPage(request, reply, { title, menu: '/actions', content: asked })
}

/** The answer to a form that was sent: the page of the action that came of it. */
export const showAction = (reply: Reply, { id }: Pick<Action, 'id'>): FastifyReply =>
  reply.redirect(`/actions/${id}`, 303)
