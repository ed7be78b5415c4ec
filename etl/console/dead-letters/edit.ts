import { isUtf8 } from 'node:buffer'
import { z } from 'zod'
import { issuesList } from './letter.ts'
import { showAction, showPage } from '../answers.ts'
import { actionForm, reasonField } from '../forms.ts'
import { html, nothing, type Html } from '../html.ts'
import { checkValue, type CheckedValue, readDeadLetter, type DeadLetter } from '../../dead-letters/letter.ts'
import { requestRedrive } from '../../dead-letters/redrive.ts'
import { bytesOfHex, hexOf } from '../../text/hex.ts'
import { count } from '../../text/wording.ts'
import type { Console, Server } from '../../web/context.ts'
import { idInPath, optionalReason } from '../../web/fields.ts'
import { act, type Visitor } from '../../web/guard.ts'

const As = z.enum(['text', 'hex']).default('text')
const EditForm = z.object({ as: As, content: z.string(), reason: optionalReason })
const NO_BYTES = Buffer.alloc(0)

/** What stands above the form, and what is in it. */
interface Editing {
  readonly letter: DeadLetter
  readonly draft: Draft
  readonly reason?: string | undefined
  readonly notice?: Html
}

/** Correct the value of one dead letter, hold it against the contract, send it. */
export function editRoutes(server: Server, { pool, stream, maxAgeDays, config }: Console): void {
  const rules = { stream, maxAgeDays }

  server.get(
    '/dead-letters/:id/edit',
    act({ params: idInPath, querystring: z.object({ as: As }) }),
    async (request, reply) => {
      const letter = await readDeadLetter(pool, request.params.id, MAX_EDITABLE_BYTES)
      const draft = draftOf(startOf(letter), request.query.as)
      return showPage(request, reply, editPage(request.visitor!, { letter, draft }))
    },
  )

  const submitted = act({ params: idInPath, body: EditForm })
  server.post('/dead-letters/:id/check', submitted, async (request, reply) => {
    const { reason, ...draft } = request.body
    const letter = await readDeadLetter(pool, request.params.id, MAX_EDITABLE_BYTES)
    const edited = editedValue(startOf(letter), draft)
    const notice =
      edited.kind === 'unreadable'
        ? problemNotice(edited.problem)
        : verdict(
            await checkValue(
              pool,
              letter,
              edited.kind === 'same' ? letter.value : edited.value,
              rules,
              new Date(),
            ),
          )
    return showPage(request, reply, editPage(request.visitor!, { letter, draft, reason, notice }))
  })

  server.post('/dead-letters/:id/redrive', submitted, async (request, reply) => {
    const { reason, ...draft } = request.body
    const letter = await readDeadLetter(pool, request.params.id, MAX_EDITABLE_BYTES)
    const edited = editedValue(startOf(letter), draft)
    if (edited.kind === 'unreadable') {
      const notice = problemNotice(edited.problem)
      return showPage(request, reply.code(400), editPage(request.visitor!, { letter, draft, reason, notice }))
    }
    const action = await requestRedrive(
      pool,
      request.visitor!.operator,
      { ids: [letter.id], state: 'open' },
      reason,
      {
        stream: stream.name,
        topic: config.KAFKA_TOPIC,
        value: edited.kind === 'same' ? undefined : edited.value,
      },
    )
    return showAction(reply, action)
  })
}

/** Of an undecodable one the whole record batch is kept: nothing of it is a value to begin with. */
const startOf = ({ code, value }: DeadLetter): Buffer =>
  code === 'undecodable' ? NO_BYTES : (value ?? NO_BYTES)

const problemNotice = (problem: string): Html => html`<p class="notice bad" role="alert">${problem}</p>`

function verdict(checked: CheckedValue): Html {
  return checked.accepted
    ? html`<p class="notice good" role="status">
        It would be accepted. Whether its order is in the warehouse already the load finds out: the same is a
        duplicate, which resolves this dead letter too; with other values it is a conflict. Nothing was sent.
      </p>`
    : html`<div class="notice bad" role="alert">
        <p>It would be a dead letter again: <code>${checked.code}</code>. Nothing was sent.</p>
        ${issuesList(checked.issues)}
      </div>`
}

function editPage(visitor: Visitor, editing: Editing) {
  const { letter, notice } = editing
  const size = letter.code === 'undecodable' ? 0 : (letter.valueBytes ?? 0)
  return {
    title: `Correct dead letter ${letter.id}`,
    menu: '/dead-letters',
    content: html`<p class="crumbs"><a href="/dead-letters/${letter.id}">Dead letter ${letter.id}</a></p>
      <h1>Correct dead letter ${letter.id}</h1>
      ${
        notice ??
        html`<p><code>${letter.code}</code></p>
          ${issuesList(letter.issues)}`
      }
      ${
        size > MAX_EDITABLE_BYTES
          ? html`<p class="notice">
              Its value has ${count(size, 'byte')}, more than a page can hold. Correct it in a file:
              <code>pulse dead-letters redrive ${letter.id} --value-file corrected.json</code>
            </p>`
          : actionForm(visitor, `/dead-letters/${letter.id}/redrive`, fields(editing))
      }`,
  }
}

/** A line feed after the tag is dropped by the browser, so one stands there: the value may begin with its own. */
function fields({ letter, draft, reason }: Editing): Html {
  const { id } = letter
  const asText = draft.as === 'text'
  return html`<input type="hidden" name="as" value="${draft.as}" />
    <label for="content">Value${asText ? nothing : ', in hex'}</label>
    <textarea id="content" name="content" rows="16" spellcheck="false" autocapitalize="off" class="code">
${draft.content}</textarea>
    <p class="hint">
      ${asText ? 'Unchanged it is sent byte for byte; line ends stay those of the original. ' : nothing}Key
      and headers stay.
      ${
        asText
          ? html`<a href="/dead-letters/${id}/edit?as=hex">Edit as hex</a>`
          : isEditableText(startOf(letter))
            ? html`<a href="/dead-letters/${id}/edit">Edit as text</a>`
            : 'It can’t be edited as text: it is no UTF-8, or it holds a NUL.'
      }
    </p>
    ${reasonField({ value: reason })}
    <p class="buttons">
      <button class="button" formaction="/dead-letters/${id}/check">Check</button>
      <button class="primary">Redrive</button>
      <a class="button" href="/dead-letters/${id}">Cancel</a>
    </p>
    <p class="hint">Check sends nothing: it says what the contract makes of the value, as if it came now.</p>`
}

/** A value as somebody edits it in a form. */
interface Draft {
  readonly as: 'text' | 'hex'
  readonly content: string
}

/** What somebody made of a value. */
type Edited =
  | { readonly kind: 'same' }
  | { readonly kind: 'changed'; readonly value: Buffer }
  | { readonly kind: 'unreadable'; readonly problem: string }

/** Forms write each byte of text as up to three, and a request may have 4 MiB. */
const MAX_EDITABLE_BYTES = 1024 * 1024

/** Whether a field of a page can hold these bytes as text: a browser makes U+FFFD of NUL. */
const isEditableText = (value: Buffer): boolean => isUtf8(value) && !value.includes(0)

/** @param as of bytes that can't be edited as text it is hex in any case. */
export function draftOf(value: Buffer, as: Draft['as'] = 'text'): Draft {
  return as === 'text' && isEditableText(value)
    ? { as, content: value.toString() }
    : { as: 'hex', content: hexOf(value) }
}

/**
 * The bytes that a form came back with. A form can't tell one kind of line end from another: what differs
 * from the original in line ends alone is the original, byte for byte; what was changed has the line ends
 * of the original where it has but one kind, else line feeds.
 */
export function editedValue(original: Buffer, { as, content }: Draft): Edited {
  const value = as === 'text' ? textBytes(original, content) : bytesOfHex(content)
  if (value === undefined)
    return {
      kind: 'unreadable',
      problem: 'That is no hex: pairs of 0 to 9 and a to f, with any space between.',
    }
  return value.equals(original) ? { kind: 'same' } : { kind: 'changed', value }
}

function textBytes(original: Buffer, content: string): Buffer {
  const text = withLineFeeds(content)
  const before = original.toString()
  if (isEditableText(original) && text === withLineFeeds(before)) return original
  const kinds = new Set(before.match(LINE_END))
  return Buffer.from(kinds.size === 1 ? text.replaceAll('\n', [...kinds][0]!) : text)
}

const LINE_END = /\r\n|\r|\n/g
const withLineFeeds = (text: string): string => text.replaceAll(LINE_END, '\n')
