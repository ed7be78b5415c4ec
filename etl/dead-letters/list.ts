import type { Pool } from 'pg'
import { and, countRows, desc, lt, sql } from '../postgres/drizzle.ts'
import { columnsOf, on, read, type Row } from '../postgres/query.ts'
import { deadLetters } from '../schema/audit.ts'
import { conditionOf, d, type DeadLetterFilter } from './filter.ts'
import type { Issue } from '../stream/types.ts'

const GROUP = {
  /** The code, and the field of the first issue: what a filter takes. */
  failure: d.failure,
  code: d.code,
  /** '' where the record as a whole is meant. */
  field: sql<string>`coalesce(${d.issues} -> 0 ->> 'field', '')`,
  count: sql<number>`g.count`,
  /** Of them, those sent again whose outcome is not known yet. */
  waiting: sql<number>`coalesce(w.waiting, 0)`,
  firstAt: sql<Date>`g.first_at`,
  lastAt: sql<Date>`g.last_at`,
  /** The latest one, and the first thing that is wrong with it. */
  sample: sql<{
    readonly id: number
    readonly message: string | null
  }>`json_build_object('id', ${d.id}, 'message', ${d.issues} -> 0 ->> 'message')`,
}

/** Dead letters that failed alike. */
export type DeadLetterGroup = Row<typeof GROUP>

/** How many groups a look at them shows at most. */
export const MAX_GROUPS = 200

/**
 * Largest first. The two aggregates are apart, because each is answered by an index of its own: of 100,000
 * open ones no row has to be read.
 */
export function groupDeadLetters(
  pool: Pool,
  stream: string,
  filter: DeadLetterFilter,
): Promise<DeadLetterGroup[]> {
  const where = conditionOf(stream, filter)
  return read(
    pool,
    GROUP,
    (columns) => sql`
      select ${columns}
      from (
        select ${d.failure}, count(*) as count, min(${d.createdAt}) as first_at, max(${d.createdAt}) as last_at,
               max(${d.id}) as latest
        from ${deadLetters} d where ${where}
        group by ${d.failure}
      ) g
      left join (
        select ${d.failure}, count(*) as waiting
        from ${deadLetters} d where ${where} and ${d.resolvedAt} is null and ${d.redrivenAt} is not null
        group by ${d.failure}
      ) w using (failure)
      join ${deadLetters} d on ${d.id} = g.latest
      order by g.count desc, g.failure limit ${MAX_GROUPS}`,
  )
}

export const LINE = {
  ...columnsOf(d, 'id', 'topic', 'partition', 'offset', 'incarnation', 'code', 'failure'),
  issues: sql<readonly Issue[]>`${d.issues}`,
  batchId: d.batchId,
  keyBytes: sql<number | null>`octet_length(${d.key})`,
  valueBytes: sql<number | null>`octet_length(${d.value})`,
  ...columnsOf(
    d,
    'attempts',
    'redriveOf',
    'createdAt',
    'publishedAt',
    'redrivenAt',
    'resolvedAt',
    'resolution',
  ),
}

/** A dead letter without its payload. */
export type DeadLetterLine = Row<typeof LINE>

/** Newest first; `before` pages on from an id. */
export function listDeadLetters(
  pool: Pool,
  stream: string,
  filter: DeadLetterFilter,
  { limit, before }: { readonly limit: number; readonly before?: number | undefined },
): Promise<DeadLetterLine[]> {
  return on(pool)
    .select(LINE)
    .from(d)
    .where(and(conditionOf(stream, filter), before === undefined ? undefined : lt(d.id, before)))
    .orderBy(desc(d.id))
    .limit(limit)
}

export async function countDeadLetters(
  pool: Pool,
  stream: string,
  filter: DeadLetterFilter,
): Promise<number> {
  const [counted] = await on(pool).select({ count: countRows() }).from(d).where(conditionOf(stream, filter))
  return counted!.count
}
