import { groupDeadLetters, type DeadLetterGroup } from '../../../etl/dead-letters/list.ts'
import { printRows, type Column } from '../output.ts'
import { inSession } from '../session.ts'
import { filterOf, type FilterOptions } from './filter.ts'

const COLUMNS: readonly Column<DeadLetterGroup>[] = [
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
    printRows(groups, COLUMNS, { json: options.json ?? false, none: 'There is no such dead letter.' })
  })
}
