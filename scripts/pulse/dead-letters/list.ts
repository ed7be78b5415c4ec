import { listDeadLetters, type DeadLetterLine } from '../../../etl/dead-letters/list.ts'
import { originOf } from '../../../etl/ledger/dead-letters.ts'
import { printRows, type Column } from '../output.ts'
import { inSession } from '../session.ts'
import { filterOf, type FilterOptions } from './filter.ts'

export const COLUMNS: readonly Column<DeadLetterLine>[] = [
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
    printRows(letters, COLUMNS, { json: json ?? false, none: 'There is no such dead letter.' })
  })
}
