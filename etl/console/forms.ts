import type { FastifyReply } from 'fastify'
import { ActionRefused, type Action } from '../operations/actions.ts'
import type { Visitor } from '../web/guard.ts'
import { html, nothing, type Html } from './html.ts'
import { page } from './layout.ts'

/** A form that changes something: POST, with the visitor's token. */
export function actionForm(visitor: Visitor, action: string, content: Html, classes = ''): Html {
  return html`<form method="post" action="${action}" class="${classes}">
    <input type="hidden" name="_csrf" value="${visitor.csrfToken ?? ''}" />${content}
  </form>`
}

/** The answer to a form that was sent: the page of the action that came of it. */
export const showAction = (reply: FastifyReply, { id }: Pick<Action, 'id'>): FastifyReply =>
  reply.redirect(`/actions/${id}`, 303)

/** A page that shows what an action will do, and asks whether to. */
export function question(visitor: Visitor, title: string, content: Html): Html {
  return page({
    title,
    menu: '/actions',
    visitor,
    content: html`<h1>${title}</h1>
      ${content}`,
  })
}

/** Yes in its own words, and the way back. */
export function buttons(yes: string, tone: 'primary' | 'danger', back = '/actions'): Html {
  return html`<p class="buttons">
    <button class="${tone}">${yes}</button> <a class="button" href="${back}">Cancel</a>
  </p>`
}

/** For what can't be undone: nobody types a name by habit. */
export const typedName = (name: string): Html =>
  html`<label>Type ${name} to confirm <input name="confirm" required autocomplete="off" /></label>`

/** @throws ActionRefused where something else was typed. */
export function requireTyped(typed: string, name: string): void {
  if (typed.trim() !== name) throw new ActionRefused(`Type ${name} to confirm; nothing was done.`)
}

/** Why somebody does it, for the record. */
export function reasonField({ needed = false, value = '' } = {}): Html {
  return html`<label
    >Reason${needed ? nothing : ' (if you like)'}
    <input name="reason" maxlength="500" value="${value}" ${needed ? 'required' : ''}
  /></label>`
}

/** A choice of few; the empty one is any of them. */
export function select(name: string, values: readonly string[], chosen = ''): Html {
  return html`<select name="${name}">
    ${values.map(
      (value) =>
        html`<option value="${value}" ${value === chosen ? 'selected' : ''}>
          ${value === '' ? 'any' : value}
        </option>`,
    )}
  </select>`
}
