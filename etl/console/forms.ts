import { ActionRefused } from '../operations/actions.ts'
import type { Visitor } from '../web/guard.ts'
import { html, nothing, type Html } from './html.ts'

/** A form that changes something: POST, with the visitor's token. */
export function actionForm(visitor: Visitor, action: string, content: Html): Html {
  return html`<form method="post" action="${action}">
    <input type="hidden" name="_csrf" value="${visitor.csrfToken ?? ''}" />${content}
  </form>`
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
