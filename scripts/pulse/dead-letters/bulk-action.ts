import type { Command } from 'commander'
import { readFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import { requestDismiss, type DismissResult } from '../../../etl/dead-letters/dismiss.ts'
import type { DeadLetterFilter } from '../../../etl/dead-letters/filter.ts'
import { countDeadLetters, groupDeadLetters, listDeadLetters } from '../../../etl/dead-letters/list.ts'
import {
  requestRedrive,
  SKIPPED_BECAUSE,
  type RedriveResult,
  type SkipReason,
} from '../../../etl/dead-letters/redrive.ts'
import type { Action } from '../../../etl/operations/actions.ts'
import { printable } from '../../../etl/text/printable.ts'
import { count, thousands } from '../../../etl/text/wording.ts'
import { anId, JSON_OPTION } from '../arguments.ts'
import { UsageError, CommandFailed, sentenceOf } from '../errors.ts'
import { followAction, withFollowOptions, type FollowOptions } from '../follow-action.ts'
import { confirm, requireReason, thisOperator, withConsentOptions, type ConsentOptions } from '../operator.ts'
import { print, printJson, printRows } from '../output.ts'
import { inSession, type Session } from '../session.ts'
import { filterOf, isNarrowed, LINE, withFilterOptions, type FilterOptions } from './look.ts'

/** What redrive and dismiss have in common: which dead letters, a look before, a question, and the wait. */
interface ActOptions extends FilterOptions, FollowOptions, ConsentOptions {
  readonly all?: boolean
  readonly dryRun?: boolean
  readonly reason?: string
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
  return withFollowOptions(withConsentOptions(command).option(...JSON_OPTION))
}

interface Act {
  /** The word to type. */
  readonly verb: 'redrive' | 'dismiss'
  /** What will happen to them. */
  readonly consequence: string
  readonly request: (session: Session, filter: DeadLetterFilter, expectedCount: number) => Promise<Action>
  readonly render: (action: Action) => string
}

/** @throws UsageError where it is not said which. */
function filterToActOn(ids: readonly number[], { all = false, ...options }: ActOptions): DeadLetterFilter {
  const filter = filterOf(options, ids)
  const narrowed = isNarrowed(filter)
  if (all && narrowed) throw new UsageError('--all takes neither numbers nor a filter.')
  if (!all && !narrowed)
    throw new UsageError(
      'Say which dead letters: their numbers, a filter such as --failure or --since, or --all.',
    )
  return filter
}

async function actOn(filter: DeadLetterFilter, options: ActOptions, act: Act): Promise<void> {
  const { json = false, yes } = options
  await inSession(async (session) => {
    const found = await countDeadLetters(session.pool, session.stream, filter)
    if (options.dryRun === true) return sayWhatWouldBe(session, filter, found, json)
    // Where there are none the request says why.
    if (found > 0) await confirm(await consequences(session, filter, found, act), act.verb, yes)
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

async function consequences(
  { pool, stream }: Session,
  filter: DeadLetterFilter,
  found: number,
  act: Act,
): Promise<string> {
  const groups = await groupDeadLetters(pool, stream, filter)
  return [
    `${count(found, 'open dead letter')} ${act.consequence}:`,
    ...groups.slice(0, SHOWN).map((group) => `  ${thousands(group.count)}  ${printable(group.failure)}`),
    ...(groups.length > SHOWN ? [`  … and ${count(groups.length - SHOWN, 'more group')}`] : []),
  ].join('\n')
}

const SHOWN = 5

async function sayWhatWouldBe(
  { pool, stream }: Session,
  filter: DeadLetterFilter,
  found: number,
  json: boolean,
): Promise<void> {
  const sample = await listDeadLetters(pool, stream, filter, { limit: SHOWN })
  if (json) return printJson({ count: found, sample })
  console.error(`${count(found, 'open dead letter')}; nothing was changed: it was a dry run.`)
  printRows(sample, LINE, { json, none: 'There is no such dead letter.' })
}

type RedriveOptions = ActOptions & { readonly valueFile?: string }

/** Sends records of dead letters to their topic again, as they were or one of them corrected. */
export async function redriveDeadLetters(ids: readonly number[], options: RedriveOptions): Promise<void> {
  const filter = filterToActOn(ids, options)
  if (options.valueFile !== undefined && filter.ids?.length !== 1)
    throw new UsageError('--value-file is for exactly one dead letter: give its number.')
  const by = thisOperator(options.by)
  const value = options.valueFile === undefined ? undefined : await readValue(options)
  await actOn(filter, options, {
    verb: 'redrive',
    consequence:
      value === undefined
        ? 'will be sent again'
        : `will be sent again with ${count(value.length, 'other byte')}`,
    request: ({ pool, stream, config }, which, expectedCount) =>
      requestRedrive(pool, by, which, options.reason, {
        stream,
        topic: config.KAFKA_TOPIC,
        value,
        expectedCount,
      }),
    render: renderRedrive,
  })
}

async function readValue({ valueFile, yes = false, dryRun = false }: RedriveOptions): Promise<Buffer> {
  if (valueFile === '-') {
    // The answer would have to come from where the value comes from.
    if (!yes && !dryRun) throw new UsageError('A value from standard input leaves nobody to ask: add --yes.')
    return buffer(process.stdin)
  }
  return readFile(valueFile!).catch((error: unknown) => {
    throw new CommandFailed(`The value could not be read: ${sentenceOf(error)}`)
  })
}

function renderRedrive({ id, result }: Action): string {
  const { sent, skipped, tooLarge } = result as unknown as RedriveResult
  const reasons = Object.entries(skipped) as [SkipReason, number][]
  return [
    `Action ${id}: ${count(sent, 'record')} sent again.`,
    ...reasons.map(
      ([reason, n]) =>
        `  ${thousands(n)} not sent: ${SKIPPED_BECAUSE[reason]}${reason === 'too_large' ? ` (${tooLarge.join(', ')})` : ''}.`,
    ),
    ...(sent === 0 ? [] : ['The next run finds out what becomes of them: pulse dead-letters groups']),
  ].join('\n')
}

/** Resolves dead letters as they are. Their rows stay, with the reason. */
export async function dismissDeadLetters(ids: readonly number[], options: ActOptions): Promise<void> {
  const filter = filterToActOn(ids, options)
  const reason = requireReason(options.reason ?? '')
  const by = thisOperator(options.by)
  await actOn(filter, options, {
    verb: 'dismiss',
    consequence: 'will be resolved without being loaded',
    request: ({ pool, stream }, which, expectedCount) =>
      requestDismiss(pool, by, which, reason, { stream, expectedCount }),
    render: renderDismissal,
  })
}

function renderDismissal({ id, result }: Action): string {
  const { dismissed, skipped } = result as unknown as DismissResult
  return [
    `Action ${id}: ${count(dismissed, 'dead letter')} dismissed.`,
    ...(skipped.resolved === undefined ? [] : [`  ${count(skipped.resolved, 'other')} resolved meanwhile.`]),
  ].join('\n')
}
