import { Option, type Command } from 'commander'
import { deadLetterFilter, type DeadLetterFilter } from '../../../etl/dead-letters/filter.ts'
import { DEAD_LETTER_CODES } from '../../../etl/schema/audit.ts'
import { aMoment, aPartition } from '../arguments.ts'
import { UsageError } from '../errors.ts'

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
