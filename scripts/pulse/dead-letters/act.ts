import type { Pool } from 'pg'
import type { Command } from 'commander'
import type { Action } from '../../../etl/operations/actions.ts'
import type { DeadLetterFilter } from '../../../etl/dead-letters/filter.ts'
import { countDeadLetters, groupDeadLetters, listDeadLetters } from '../../../etl/dead-letters/list.ts'
import { anId, JSON_OPTION } from '../arguments.ts'
import { confirm } from '../confirm.ts'
import { UsageError } from '../errors.ts'
import { followAction, withFollowOptions, type FollowOptions } from '../follow-action.ts'
import { BY_OPTION } from '../operator.ts'
import { print, printJson, printRows } from '../output.ts'
import { printable } from '../../../etl/text/printable.ts'
import { inSession, type Session } from '../session.ts'
import { count, thousands } from '../../../etl/text/wording.ts'
import { filterOf, isNarrowed, withFilterOptions, type FilterOptions } from './filter.ts'
import { COLUMNS } from './list.ts'

/** What redrive and dismiss have in common: which dead letters, a look before, a question, and the wait. */
export interface ActOptions extends FilterOptions, FollowOptions {
  readonly all?: boolean
  readonly dryRun?: boolean
  readonly reason?: string
  readonly by?: string
  readonly yes?: boolean
  readonly json?: boolean
}

export function withActOptions(command: Command): Command {
  command.argument('[id...]', 'their numbers, as the list has them', (text, ids?: number[]) => [
    ...(ids ?? []),
    anId(text),
  ])
  withFilterOptions(command)
    .option('--all', 'all open ones')
    .option('--dry-run', 'change nothing, say how many they are and show some')
    .option(...BY_OPTION)
    .option('--yes', 'do not ask')
    .option(...JSON_OPTION)
  return withFollowOptions(command)
}

export interface Act {
  /** The word to type. */
  readonly verb: 'redrive' | 'dismiss'
  /** What will happen to them. */
  readonly consequence: string
  readonly request: (session: Session, filter: DeadLetterFilter, expectedCount: number) => Promise<Action>
  readonly render: (action: Action) => string
}

/** @throws UsageError where it is not said which. */
export function filterToActOn(
  ids: readonly number[],
  { all = false, ...options }: ActOptions,
): DeadLetterFilter {
  const filter = filterOf(options, ids)
  const narrowed = isNarrowed(filter)
  if (all && narrowed) throw new UsageError('--all takes neither numbers nor a filter.')
  if (!all && !narrowed)
    throw new UsageError(
      'Say which dead letters: their numbers, a filter such as --failure or --since, or --all.',
    )
  return filter
}

export async function actOn(filter: DeadLetterFilter, options: ActOptions, act: Act): Promise<void> {
  const { json = false, yes = false } = options
  await inSession(async (session) => {
    const found = await countDeadLetters(session.pool, filter)
    if (options.dryRun === true) return dryRun(session.pool, filter, found, json)
    // Where there are none the request says why.
    if (found > 0) await confirm(await consequences(session.pool, filter, found, act), act.verb, yes)
    const asked = await act.request(session, filter, found)
    if (!options.wait) {
      if (json) printJson(asked)
      else
        print(
          `Action ${asked.id} (${act.verb} ${thousands(found)}) waits for a worker. See how far it is: pulse actions`,
        )
      return
    }
    const done = await followAction(session, asked.id, options)
    if (json) printJson(done)
    else print(act.render(done))
  })
}

async function consequences(pool: Pool, filter: DeadLetterFilter, found: number, act: Act): Promise<string> {
  const groups = await groupDeadLetters(pool, filter)
  return [
    `${count(found, 'open dead letter')} ${act.consequence}:`,
    ...groups.slice(0, SHOWN).map((group) => `  ${thousands(group.count)}  ${printable(group.failure)}`),
    ...(groups.length > SHOWN ? [`  … and ${count(groups.length - SHOWN, 'more group')}`] : []),
  ].join('\n')
}

const SHOWN = 5

async function dryRun(pool: Pool, filter: DeadLetterFilter, found: number, json: boolean): Promise<void> {
  const sample = await listDeadLetters(pool, filter, { limit: SHOWN })
  if (json) return printJson({ count: found, sample })
  console.error(`${count(found, 'open dead letter')}; nothing was changed: it was a dry run.`)
  printRows(sample, COLUMNS, { json, none: 'There is no such dead letter.' })
}
