import type { Command } from 'commander'
import { continueAction, readActions, stopAction, type Action } from '../../etl/operations/actions.ts'
import { aLimit, anId, JSON_OPTION, withExamples } from './arguments.ts'
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

interface ListOptions {
  readonly limit: number
  readonly json?: boolean
}

export function addActions(parent: Command): void {
  const actions = parent
    .command('actions')
    .description('What operators did: who, when, why, and what came of it; background work is stopped here.')
  withExamples(actions, 'actions', 'actions stop 12', 'actions continue 12')

  const list = actions
    .command('list', { isDefault: true })
    .description('What was done, newest first. Of background work, how far it is.')
    .option('--limit <n>', 'at most so many', aLimit, 20)
    .option(...JSON_OPTION)
    .action(({ limit, json = false }: ListOptions) =>
      inSession(async ({ pool }) => {
        printRows(await readActions(pool, limit), COLUMNS, { json, none: 'Nobody did anything yet.' })
      }),
    )
  withExamples(list, 'actions list', 'actions list --json | jq \'.[] | select(.status == "running")\'')

  const stop = actions
    .command('stop')
    .description('Stops a replay or other background work at its next step. It can be continued.')
    .argument('<id>', 'its number, as the list has it', anId)
    .option(...BY_OPTION)
    .action((id: number, { by }: { by?: string }) =>
      inSession(async ({ pool }) => {
        const { action, status } = await stopAction(pool, thisOperator(by), id)
        const stops = status === 'stopped' ? 'is stopped' : 'stops at its next step'
        print(`Action ${id} (${action}) ${stops}. Let it go on: pulse actions continue ${id}`)
      }),
    )
  withExamples(stop, 'actions stop 12')

  const go = actions
    .command('continue')
    .description('Lets stopped or failed background work go on where it was.')
    .argument('<id>', 'its number, as the list has it', anId)
    .option(...BY_OPTION)
    .action((id: number, { by }: { by?: string }) =>
      inSession(async ({ pool }) => {
        const { action } = await continueAction(pool, thisOperator(by), id)
        print(`Action ${id} (${action}) goes on when a worker takes it. See how far it is: pulse actions`)
      }),
    )
  withExamples(go, 'actions continue 12')
}
