import type { Issue } from '../../../etl/types.ts'
import { printRows, type Column } from '../output.ts'
import { inSession } from '../session.ts'

interface DeadLetterLine {
  readonly id: number
  readonly createdAt: Date
  readonly code: string
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly incarnation: number
  readonly valueBytes: number | null
  readonly attempts: number
  readonly publishedAt: Date | null
  readonly resolvedAt: Date | null
  readonly resolution: string | null
  readonly redriveOf: string | null
  readonly issues: readonly Issue[]
}

const COLUMNS: readonly Column<DeadLetterLine>[] = [
  { heading: 'id', of: ({ id }) => String(id) },
  { heading: 'since', of: ({ createdAt }) => createdAt },
  { heading: 'code', of: ({ code }) => code },
  { heading: 'origin', of: originOf },
  { heading: 'bytes', of: ({ valueBytes }) => valueBytes },
  { heading: 'published', of: ({ publishedAt }) => (publishedAt === null ? 'no' : 'yes') },
  {
    heading: 'resolved',
    of: ({ resolvedAt, resolution }) => (resolvedAt === null ? 'no' : (resolution ?? 'yes')),
  },
  { heading: 'issues', of: ({ issues }) => issues.map(({ message }) => message).join('; ') },
]

/** topic:partition:offset, with the incarnation from the second on: the key on the dead-letter topic. */
export function originOf(
  letter: Pick<DeadLetterLine, 'topic' | 'partition' | 'offset' | 'incarnation'>,
): string {
  const origin = `${letter.topic}:${letter.partition}:${letter.offset}`
  return letter.incarnation === 1 ? origin : `${origin}:${letter.incarnation}`
}

export async function listDeadLetters(options: {
  limit: number
  code?: string
  since?: Date
  json?: boolean
}): Promise<void> {
  await inSession(async ({ pool }) => {
    const { rows } = await pool.query<DeadLetterLine>(
      `select id, created_at as "createdAt", code, topic, partition, "offset", incarnation,
              octet_length(value) as "valueBytes", attempts, published_at as "publishedAt", resolved_at as "resolvedAt",
              resolution, redrive_of as "redriveOf", issues
       from audit.dead_letters
       where ($1::text is null or code = $1) and ($2::timestamptz is null or created_at >= $2)
       order by created_at desc, id desc limit $3`,
      [options.code ?? null, options.since?.toISOString() ?? null, options.limit],
    )
    printRows(rows, COLUMNS, { json: options.json ?? false, none: 'There is no such dead letter.' })
  })
}
