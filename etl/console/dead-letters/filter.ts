import { z } from 'zod'
import { deadLetterFilter, type DeadLetterFilter } from '../../dead-letters/filter.ts'
import { DEAD_LETTER_CODES } from '../../schema/audit.ts'
import { asUtc, id } from '../../web/fields.ts'
import { select } from '../forms.ts'
import { html, nothing, type Html } from '../html.ts'
import type { link } from '../links.ts'

/** A filter as a form or a link has it: fields that are left empty say nothing, times are UTC. */
export const filterInUrl = z.preprocess(tidied, deadLetterFilter)

/** The same with the place in the list. */
export const pageInUrl = z.preprocess(tidied, deadLetterFilter.extend({ before: id.optional() }))

function tidied(query: unknown): unknown {
  return Object.fromEntries(
    Object.entries(query as Record<string, unknown>)
      .filter(([, value]) => typeof value !== 'string' || value.trim() !== '')
      .map(([name, value]) => [name, read(name, value)]),
  )
}

function read(name: string, value: unknown): unknown {
  if (name === 'since' || name === 'until') return asUtc(value)
  return name === 'ids' && typeof value === 'string' ? value.split(',') : value
}

/** The filter as the query of a link. */
export function queryOf(filter: DeadLetterFilter): Parameters<typeof link>[1] {
  const { ids, state, ...rest } = filter
  return { ...rest, ids: ids?.join(','), state: state === 'open' ? undefined : state }
}

/** Which dead letters, in words: `schema_violation:amount, of partition 0`. */
export function filterInWords(filter: DeadLetterFilter): string {
  const { ids, failure, code, partition, since, until, text } = filter
  const parts = [
    ids && (ids.length === 1 ? `number ${ids[0]}` : `numbers ${ids.join(', ')}`),
    failure,
    code && `code ${code}`,
    partition !== undefined && `partition ${partition}`,
    since && `since ${since}`,
    until && `before ${until}`,
    text && `with the text “${text}”`,
  ].filter((part) => typeof part === 'string')
  return parts.length === 0 ? 'all' : parts.join(', ')
}

/** The filter as a form that leads to the list with it. */
export function filterForm(filter: DeadLetterFilter): Html {
  const { ids, failure, code, partition, since, until, text, state } = filter
  return html`<form method="get" action="/dead-letters" class="filters" role="search">
    ${ids === undefined ? nothing : html`<input type="hidden" name="ids" value="${ids.join(',')}" />`}
    ${failure === undefined ? nothing : html`<input type="hidden" name="failure" value="${failure}" />`}
    <label>Text <input name="text" type="search" value="${text ?? ''}" maxlength="200" /></label>
    <label>Code ${select('code', ['', ...DEAD_LETTER_CODES], code)}</label>
    <label
      >Partition <input name="partition" type="number" min="0" value="${partition ?? ''}" inputmode="numeric"
    /></label>
    <label>Since (UTC) <input name="since" type="datetime-local" value="${localTime(since)}" /></label>
    <label>Before (UTC) <input name="until" type="datetime-local" value="${localTime(until)}" /></label>
    <label>State ${select('state', ['open', 'resolved', 'all'], state)}</label>
    <button>Search</button>
    ${filterInWords(filter) === 'all' && state === 'open' ? nothing : html`<a href="/dead-letters">Clear</a>`}
  </form>`
}

const localTime = (moment: string | undefined): string =>
  moment === undefined ? '' : new Date(moment).toISOString().slice(0, 16)
