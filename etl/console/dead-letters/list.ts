import type { Pool } from 'pg'
import { count, thousands } from '../../text/wording.ts'
import {
  countDeadLetters,
  groupDeadLetters,
  listDeadLetters,
  MAX_GROUPS,
  type DeadLetterGroup,
  type DeadLetterLine,
} from '../../dead-letters/list.ts'
import type { DeadLetterFilter } from '../../dead-letters/filter.ts'
import { originOf } from '../../ledger/dead-letters.ts'
import { byId, pageOf } from '../../web/fields.ts'
import type { Console, Server } from '../../web/context.ts'
import { ago, instant } from '../format.ts'
import { view, type Visitor } from '../../web/guard.ts'
import { olderNewer, link } from '../links.ts'
import { table, type Column } from '../table.ts'
import { filterForm, filterInWords, pageInUrl, queryOf } from './filter.ts'
import { showPage } from '../answers.ts'
import { html, nothing, visible, type Html } from '../html.ts'

const PAGE_LETTERS = 50

/** Groups and letters of a filter, which stands in the address. */
export function listPage(server: Server, { pool, stream: { name: stream } }: Console): void {
  server.get('/dead-letters', view({ querystring: pageInUrl }), async (request, reply) => {
    const { before, ...filter } = request.query
    const { groups, found } = await groupsAndCount(pool, stream, filter)
    const rows =
      found === 0 ? [] : await listDeadLetters(pool, stream, filter, { limit: PAGE_LETTERS + 1, before })
    const { items, next } = pageOf(rows, PAGE_LETTERS, byId)
    const visitor = request.visitor!
    return showPage(request, reply, {
      title: 'Dead letters',
      menu: '/dead-letters',
      content: html`<h1>Dead letters</h1>
        ${filterForm(filter)} ${summary(visitor, filter, found)} ${groupsTable(visitor, filter, groups)}
        ${lettersTable(items)} ${olderNewer('/dead-letters', queryOf(filter), before !== undefined, next)}`,
    })
  })
}

/** One look through what matches does for both: a search reads all of it. */
export async function groupsAndCount(
  pool: Pool,
  stream: string,
  filter: DeadLetterFilter,
): Promise<{ groups: DeadLetterGroup[]; found: number }> {
  const groups = await groupDeadLetters(pool, stream, filter)
  const found =
    groups.length < MAX_GROUPS
      ? groups.reduce((sum, group) => sum + group.count, 0)
      : await countDeadLetters(pool, stream, filter)
  return { groups, found }
}

function summary(visitor: Visitor, filter: DeadLetterFilter, found: number): Html {
  const which = filter.state === 'all' ? 'dead letter' : `${filter.state} dead letter`
  const narrowed = filterInWords(filter)
  return html`<p>
      <strong>${count(found, which)}</strong>${narrowed === 'all' ? nothing : html`: ${visible(narrowed)}`}
    </p>
    ${found > 0 && filter.state === 'open' ? bulkLinks(visitor, filter, found) : nothing}`
}

function bulkLinks(visitor: Visitor, filter: DeadLetterFilter, found: number): Html {
  if (!visitor.mayAct)
    return html`<p class="hint">
      You may look and not act, so they can’t be redriven or dismissed from here.
    </p>`
  const query = queryOf(filter)
  return html`<p class="buttons">
    <a class="button primary" href="${link('/dead-letters/redrive', query)}">Redrive ${thousands(found)}…</a>
    <a class="button danger" href="${link('/dead-letters/dismiss', query)}">Dismiss ${thousands(found)}…</a>
  </p>`
}

function groupsTable(visitor: Visitor, filter: DeadLetterFilter, groups: readonly DeadLetterGroup[]): Html {
  const to = (path: string, { failure }: DeadLetterGroup) => link(path, { ...queryOf(filter), failure })
  const columns: readonly Column<DeadLetterGroup>[] = [
    {
      heading: 'Failure',
      of: (group) => html`<a href="${to('/dead-letters', group)}">${visible(group.failure)}</a>`,
    },
    { heading: 'Count', of: (group) => group.count },
    { heading: 'Sent again, waiting', of: ({ waiting }) => waiting },
    { heading: 'First seen', of: ({ firstAt }) => ago(firstAt) },
    { heading: 'Last seen', of: ({ lastAt }) => ago(lastAt) },
    {
      heading: 'Sample',
      wide: true,
      of: ({ sample }) =>
        html`<a href="/dead-letters/${sample.id}">${sample.id}</a> ${visible(sample.message ?? '')}`,
    },
  ]
  const act: Column<DeadLetterGroup> = {
    heading: 'Act',
    of: (group) =>
      html`<a href="${to('/dead-letters/redrive', group)}" aria-label="Redrive ${group.failure}">Redrive…</a>
        <a href="${to('/dead-letters/dismiss', group)}" aria-label="Dismiss ${group.failure}">Dismiss…</a>`,
  }
  return html`<h2>What went wrong</h2>
    ${table(groups, visitor.mayAct && filter.state === 'open' ? [...columns, act] : columns, {
      caption: 'Groups of dead letters',
      hideCaption: true,
      none: 'There is no such dead letter.',
    })}`
}

const LETTER_COLUMNS: readonly Column<DeadLetterLine>[] = [
  { heading: 'Number', of: ({ id }) => html`<a href="/dead-letters/${id}">${id}</a>` },
  { heading: 'State', of: stateBadge },
  { heading: 'Origin', of: (letter) => html`<code>${originOf(letter)}</code>` },
  {
    heading: 'What is wrong',
    wide: true,
    of: ({ issues }) => html`${issues.map(({ message }) => html`<div>${visible(message)}</div>`)}`,
  },
  {
    heading: 'Bytes',
    right: true,
    of: ({ valueBytes }) => (valueBytes === null ? 'null' : thousands(valueBytes)),
  },
  { heading: 'Rejected', of: ({ createdAt }) => instant(createdAt) },
]

/** Dead letters without their bytes. */
export function lettersTable(letters: readonly DeadLetterLine[]): Html {
  if (letters.length === 0) return nothing
  return html`<h2>Letters</h2>
    ${table(letters, LETTER_COLUMNS, { caption: 'Dead letters', hideCaption: true, none: '' })}`
}

export function stateBadge({ resolvedAt, redrivenAt }: DeadLetterLine): Html {
  if (resolvedAt !== null) return html`<span class="badge good">resolved</span>`
  if (redrivenAt !== null) return html`<span class="badge">sent again</span>`
  return html`<span class="badge bad">open</span>`
}
