import type { Action } from '../../operations/actions.ts'
import { thousands } from '../../text/wording.ts'
import { instant } from '../format.ts'
import { html, type Html } from '../html.ts'
import { olderNewer } from '../links.ts'
import { table, type Column } from '../table.ts'
import { visible } from '../dead-letters/visible.ts'
import { ACTION_NAMES, statusBadge, targetInWords } from './words.ts'

export const PAGE_ACTIONS = 50

const COLUMNS: readonly Column<Action>[] = [
  { heading: 'Number', of: ({ id }) => html`<a href="/actions/${id}">${id}</a>` },
  { heading: 'Asked', of: ({ requestedAt }) => instant(requestedAt) },
  {
    heading: 'Who',
    of: ({ requestedBy, via }) => html`${visible(requestedBy)} <span class="hint">${via}</span>`,
  },
  { heading: 'Action', of: ({ action }) => ACTION_NAMES[action] },
  { heading: 'What', wide: true, of: (action) => visible(targetInWords(action)) },
  { heading: 'Why', wide: true, of: ({ reason }) => (reason === null ? null : visible(reason)) },
  { heading: 'Status', of: statusBadge },
  {
    heading: 'Progress',
    right: true,
    of: ({ done, total }) => (total === null ? null : `${thousands(done)} of ${thousands(total)}`),
  },
]

/**
 * What operators did, newest first, for everybody who can log in.
 *
 * @param actions one more than a page holds where there are older ones.
 */
export function record(actions: readonly Action[], paged: boolean): Html {
  const shown = actions.slice(0, PAGE_ACTIONS)
  const last = actions.length > PAGE_ACTIONS ? shown.at(-1) : undefined
  return html`<h2>What was done</h2>
    ${table(shown, COLUMNS, { caption: 'What was done', hideCaption: true, none: 'Nothing yet.' })}
    ${olderNewer('/actions', {}, paged, last && { before: last.id })}`
}
