import type { Action } from '../../operations/actions.ts'
import type { DeadLetterLine } from '../../dead-letters/list.ts'
import { readDeadLetter, type DeadLetter } from '../../dead-letters/letter.ts'
import { originOf } from '../../ledger/dead-letters.ts'
import type { Console, Server } from '../../web/context.ts'
import { view, type Visitor } from '../../web/guard.ts'
import { factList } from '../table.ts'
import { idInPath } from '../../web/fields.ts'
import { count } from '../../text/wording.ts'
import { instant, moment } from '../format.ts'
import { stateBadge } from './list.ts'
import { payload, SHOWN_TEXT_BYTES } from './payload.ts'
import { showPage } from '../answers.ts'
import { html, nothing, visible, visibleBytes, type Html } from '../html.ts'

/** While the outcome of a redrive is not known the page looks for it. */
const LOOK_EVERY_S = 3
/** One more than is shown tells a character that is cut. */
const READ_BYTES = SHOWN_TEXT_BYTES + 1

/** One dead letter: what is wrong, its true bytes, where it came from, what was done about it. */
export function letterPage(server: Server, { pool }: Console): void {
  server.get('/dead-letters/:id', view({ params: idInPath }), async (request, reply) => {
    const letter = await readDeadLetter(pool, request.params.id, READ_BYTES)
    const visitor = request.visitor!
    return showPage(request, reply, {
      title: `Dead letter ${letter.id}`,
      menu: '/dead-letters',
      live: isWaiting(letter) ? LOOK_EVERY_S : undefined,
      content: html`<p class="crumbs"><a href="/dead-letters">Dead letters</a></p>
        <h1>Dead letter ${letter.id} ${stateBadge(letter)}</h1>
        ${outcome(letter)} ${whatToDo(visitor, letter)} ${whatIsWrong(letter)} ${payloads(letter)}
        ${whereFrom(letter)} ${chain(letter)} ${actionsOn(letter.actions)}`,
    })
  })
}

const isWaiting = ({ resolvedAt, redrivenAt }: DeadLetterLine): boolean =>
  resolvedAt === null && redrivenAt !== null

function outcome(letter: DeadLetter): Html {
  if (letter.resolvedAt !== null)
    return html`<p class="notice good">
      Resolved at ${moment(letter.resolvedAt)}: ${visible(letter.resolution ?? 'no reason on record')}
    </p>`
  if (letter.redrivenAt !== null)
    return html`<p class="notice">Sent again at ${moment(letter.redrivenAt)}, waiting for the next run.</p>`
  const latest = letter.chain.findLast((one) => one.id !== letter.id && one.id > letter.id)
  if (latest !== undefined && latest.resolvedAt === null)
    return html`<p class="notice bad">
      It was sent again and failed again: <a href="/dead-letters/${latest.id}">dead letter ${latest.id}</a> is
      its latest attempt. Act on that one.
    </p>`
  return nothing
}

function whatToDo(visitor: Visitor, { id, resolvedAt }: DeadLetter): Html {
  if (resolvedAt !== null) return nothing
  if (!visitor.mayAct)
    return html`<p class="hint">You may look and not act, so it can’t be redriven or dismissed from here.</p>`
  return html`<p class="buttons">
    <a class="button primary" href="/dead-letters/${id}/edit">Correct and redrive…</a>
    <a class="button" href="/dead-letters/redrive?ids=${id}">Redrive as it is…</a>
    <a class="button danger" href="/dead-letters/dismiss?ids=${id}">Dismiss…</a>
  </p>`
}

function whatIsWrong({ code, issues, failure }: DeadLetter): Html {
  return html`<h2>What is wrong</h2>
    <p>
      <code>${code}</code> ·
      <a href="/dead-letters?${new URLSearchParams({ failure, state: 'all' }).toString()}"
        >all that failed alike</a
      >
    </p>
    ${issuesList(issues)}`
}

export const issuesList = (issues: DeadLetter['issues']): Html =>
  html`<ul class="issues">
    ${issues.map(({ message }) => html`<li>${visible(message)}</li>`)}
  </ul>`

function payloads({ id, key, keyBytes, value, valueBytes, headers, issues }: DeadLetter): Html {
  return html`<h2>The record</h2>
    ${payload({ name: 'Value', bytes: value, size: valueBytes, download: `/dead-letters/${id}/value`, issues })}
    ${payload({ name: 'Key', bytes: key, size: keyBytes, download: `/dead-letters/${id}/key` })}
    <h3>Headers</h3>
    ${
      headers.length === 0
        ? html`<p class="hint">none</p>`
        : factList(
            headers.map((header) => [
              html`<code>${visible(header.key)}</code>`,
              header.value === null ? 'null' : html`<code>${visibleBytes(header.value)}</code>`,
            ]),
          )
    }`
}

function whereFrom(letter: DeadLetter): Html {
  const { runId, batchId, publishedAt } = letter
  return html`<h2>Where it came from</h2>
    ${factList([
      [
        `Origin (topic, partition, offset${letter.incarnation === 1 ? '' : ', incarnation'})`,
        html`<code>${originOf(letter)}</code>`,
      ],
      ['Stored by Kafka', moment(letter.kafkaTimestamp)],
      ['Rejected', moment(letter.createdAt)],
      ['Batch', runId === null ? batchId : html`<a href="/runs/${runId}">${batchId}</a>`],
      ['On the dead-letter topic', publishedAt === null ? 'not yet' : instant(publishedAt)],
      ['Redrives', redrives(letter)],
    ])}`
}

function redrives({ attempts, redriveOf }: DeadLetter): Html | string {
  if (redriveOf !== null) return html`this is one of <code>${redriveOf}</code> that failed`
  return attempts === 0 ? 'none that failed' : `${count(attempts, 'redrive')} failed again`
}

function chain(letter: DeadLetter): Html {
  if (letter.chain.length < 2) return nothing
  return html`<h2>Attempts</h2>
    <ol>
      ${letter.chain.map(
        (one) =>
          html`<li>
            ${one.id === letter.id ? html`<strong>${one.id}, this one</strong>` : html`<a href="/dead-letters/${one.id}">${one.id}</a>`},
            ${instant(one.createdAt)}: ${visible(one.failure)} ${stateBadge(one)}
            ${visible(one.resolution ?? '')}
          </li>`,
      )}
    </ol>`
}

function actionsOn(actions: readonly Action[]): Html {
  if (actions.length === 0) return nothing
  return html`<h2>What was done</h2>
    <ul>
      ${actions.map(
        ({ id, action, requestedBy, requestedAt, status, reason }) =>
          html`<li>
            <a href="/actions/${id}">${action} ${id}</a>, ${instant(requestedAt)} by ${visible(requestedBy)}:
            ${status} ${reason === null ? nothing : html`(${visible(reason)})`}
          </li>`,
      )}
    </ul>`
}
