import type { Command } from 'commander'
import { continueAction, readActions, stopAction, type Action } from '../../etl/operations/actions.ts'
import { addCommand, aLimit, anId, JSON_OPTION } from './arguments.ts'
import { BY_OPTION, thisOperator } from './operator.ts'
import { print, printRows, type Column } from './output.ts'
import { inSession } from './session.ts'

const COLUMNS: readonly Column<Action>[] = [
  { heading: 'id', of: ({ id }) => String(id) },
  { heading: 'asked', of: ({ requestedAt }) => requestedAt },
  { heading: 'action', of: ({ action }) => action },
  { heading: 'status', of: ({ status }) => status },
  { heading: 'done', of: ({ done, total }) => (total === null ? null : done) },
  { heading: 'total', of: ({ total }) => total },
  { heading: 'by', of: ({ requestedBy, via }) => `${requestedBy} (${via})` },
  { heading: 'run', of: ({ runId }) => (runId === null ? null : String(runId)) },
  { heading: 'reason', of: ({ reason }) => reason },
  { heading: 'error', of: ({ error }) => error },
  { heading: 'target', of: ({ target }) => JSON.stringify(target) },
]

const ID = ['<id>', 'its number, as the list has it', anId] as const

export function addActions(parent: Command): void {
  const actions = addCommand(
    parent,
    'actions',
    'What operators did: who, when, why, and what came of it; background work is stopped here.',
    ['actions', 'actions stop 12', 'actions continue 12'],
  )
  addCommand(
    actions,
    'list',
    'What was done, newest first. Of background work, how far it is.',
    ['actions list', 'actions list --json | jq \'.[] | select(.status == "running")\''],
    { isDefault: true },
  )
    .option('--limit <n>', 'at most so many', aLimit, 20)
    .option(...JSON_OPTION)
    .action(({ limit, json = false }: { limit: number; json?: boolean }) =>
      inSession(async ({ pool, stream }) => {
        printRows(await readActions(pool, stream, limit), COLUMNS, { json, none: 'Nobody did anything yet.' })
      }),
    )
  addCommand(
    actions,
    'stop',
    'Stops a replay or other background work at its next step. It can be continued.',
    ['actions stop 12'],
  )
    .argument(...ID)
    .option(...BY_OPTION)
    .action((id: number, { by }: { by?: string }) =>
      inSession(async ({ pool }) => {
        const { action, status } = await stopAction(pool, thisOperator(by), id)
        const stops = status === 'stopped' ? 'is stopped' : 'stops at its next step'
        print(`Action ${id} (${action}) ${stops}. Let it go on: pulse actions continue ${id}`)
      }),
    )
  addCommand(actions, 'continue', 'Lets stopped or failed background work go on where it was.', [
    'actions continue 12',
  ])
    .argument(...ID)
    .option(...BY_OPTION)
    .action((id: number, { by }: { by?: string }) =>
      inSession(async ({ pool }) => {
        const { action } = await continueAction(pool, thisOperator(by), id)
        print(`Action ${id} (${action}) goes on when a worker takes it. See how far it is: pulse actions`)
      }),
    )
}
