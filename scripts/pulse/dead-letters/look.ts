import { Option, type Command } from 'commander'
import { deadLetterFilter, type DeadLetterFilter } from '../../../etl/dead-letters/filter.ts'
import {
  groupDeadLetters,
  listDeadLetters,
  type DeadLetterGroup,
  type DeadLetterLine,
} from '../../../etl/dead-letters/list.ts'
import { originOf } from '../../../etl/ledger/dead-letters.ts'
import { DEAD_LETTER_CODES } from '../../../etl/schema/audit.ts'
import { aMoment, aPartition } from '../arguments.ts'
import { UsageError } from '../errors.ts'
import { printRows, type Column } from '../output.ts'
import { inSession } from '../session.ts'

export interface FilterOptions {
  readonly failure?: string
  readonly code?: string
  readonly partition?: number
  readonly since?: Date
  readonly until?: Date
  readonly text?: string
  readonly state?: string
}

/** Which dead letters: those for which everything holds that is given. */
export function withFilterOptions(command: Command): Command {
  return command
    .option('--failure <failure>', 'only those of this group, as `groups` names it')
    .addOption(new Option('--code <code>', 'only those').choices(DEAD_LETTER_CODES))
    .option('--partition <n>', 'only of this partition', aPartition)
    .option('--since <when>', 'rejected since so long ago (30m, 2h, 7d) or since a time (ISO 8601)', aMoment)
    .option('--until <when>', 'rejected before', aMoment)
    .option('--text <text>', 'with it, as written, in issues, batch, key or value; or an origin')
}

export const stateOption = (): Option =>
  new Option('--state <state>', 'what became of them').choices(['open', 'resolved', 'all']).default('open')

/** @throws UsageError that names the option. */
export function filterOf(options: FilterOptions, ids: readonly number[] = []): DeadLetterFilter {
  const { failure, code, partition, since, until, text, state } = options
  const parsed = deadLetterFilter.safeParse({
    ids: ids.length === 0 ? undefined : [...new Set(ids)],
    failure,
    code,
    partition,
    since: since?.toISOString(),
    until: until?.toISOString(),
    text,
    state,
  })
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const [field] = issue?.path ?? []
  throw new UsageError(`${field === 'ids' ? 'The ids' : `--${String(field)}`}: ${issue?.message}.`)
}

/** Whether it names any dead letters at all. */
export function isNarrowed({ state: _state, ...filter }: DeadLetterFilter): boolean {
  return Object.values(filter).some((value) => value !== undefined)
}

/** Of a list of dead letters. */
export const LINE: readonly Column<DeadLetterLine>[] = [
  { heading: 'id', of: ({ id }) => String(id) },
  { heading: 'since', of: ({ createdAt }) => createdAt },
  { heading: 'code', of: ({ code }) => code },
  { heading: 'origin', of: originOf },
  { heading: 'bytes', of: ({ valueBytes }) => valueBytes },
  { heading: 'published', of: ({ publishedAt }) => (publishedAt === null ? 'no' : 'yes') },
  { heading: 'resolved', of: whatBecame },
  { heading: 'issues', of: ({ issues }) => issues.map(({ message }) => message).join('; ') },
]

function whatBecame({ redrivenAt, resolvedAt, resolution }: DeadLetterLine): string {
  if (resolvedAt !== null) return resolution ?? 'yes'
  return redrivenAt === null ? 'no' : 'sent again'
}

interface ListOptions extends FilterOptions {
  readonly limit: number
  readonly before?: number
  readonly json?: boolean
}

export async function printDeadLetters({ limit, before, json, ...options }: ListOptions): Promise<void> {
  const filter = filterOf(options)
  await inSession(async ({ pool }) => {
    const letters = await listDeadLetters(pool, filter, { limit, before })
    printRows(letters, LINE, { json: json ?? false, none: 'There is no such dead letter.' })
  })
}

const GROUP: readonly Column<DeadLetterGroup>[] = [
  { heading: 'failure', of: ({ failure }) => failure },
  { heading: 'count', of: ({ count }) => count },
  { heading: 'waiting', of: ({ waiting }) => waiting },
  { heading: 'first', of: ({ firstAt }) => firstAt },
  { heading: 'last', of: ({ lastAt }) => lastAt },
  { heading: 'sample', of: ({ sample }) => String(sample.id) },
  { heading: 'what is wrong', of: ({ sample }) => sample.message },
]

export async function printGroups(options: FilterOptions & { readonly json?: boolean }): Promise<void> {
  const filter = filterOf(options)
  await inSession(async ({ pool }) => {
    const groups = await groupDeadLetters(pool, filter)
    printRows(groups, GROUP, { json: options.json ?? false, none: 'There is no such dead letter.' })
  })
}
