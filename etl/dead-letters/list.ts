import type { Pool } from 'pg'
import { conditionOf, type DeadLetterFilter } from './filter.ts'
import type { DeadLetterCode, Issue } from '../stream/types.ts'
import type { Origin } from '../ledger/dead-letters.ts'

/** Dead letters that failed alike. */
export interface DeadLetterGroup {
  /** The code, and the field of the first issue: what a filter takes. */
  readonly failure: string
  readonly code: DeadLetterCode
  /** '' where the record as a whole is meant. */
  readonly field: string
  readonly count: number
  /** Of them, those sent again whose outcome is not known yet. */
  readonly waiting: number
  readonly firstAt: Date
  readonly lastAt: Date
  /** The latest one, and the first thing that is wrong with it. */
  readonly sample: { readonly id: number; readonly message: string | null }
}

/** How many groups a look at them shows at most. */
export const MAX_GROUPS = 200

/**
 * Largest first. The two aggregates are apart, because each is answered by an index of its own: of 100,000
 * open ones no row has to be read.
 */
export async function groupDeadLetters(pool: Pool, filter: DeadLetterFilter): Promise<DeadLetterGroup[]> {
  const { where, values } = conditionOf(filter)
  const { rows } = await pool.query<DeadLetterGroup>(
    `select g.failure, d.code, coalesce(d.issues -> 0 ->> 'field', '') as field, g.count, coalesce(w.waiting, 0) as waiting,
            g.first_at as "firstAt", g.last_at as "lastAt",
            json_build_object('id', d.id, 'message', d.issues -> 0 ->> 'message') as sample
     from (
       select d.failure, count(*) as count, min(d.created_at) as first_at, max(d.created_at) as last_at, max(d.id) as latest
       from audit.dead_letters d where ${where}
       group by d.failure
     ) g
     left join (
       select d.failure, count(*) as waiting
       from audit.dead_letters d where ${where} and d.resolved_at is null and d.redriven_at is not null
       group by d.failure
     ) w using (failure)
     join audit.dead_letters d on d.id = g.latest
     order by g.count desc, g.failure limit ${MAX_GROUPS}`,
    values,
  )
  return rows
}

/** A dead letter without its payload. */
export interface DeadLetterLine extends Origin {
  readonly id: number
  readonly code: DeadLetterCode
  readonly failure: string
  readonly issues: readonly Issue[]
  readonly batchId: string
  readonly keyBytes: number | null
  readonly valueBytes: number | null
  /** How often it failed again after a redrive; counted on the first one of a chain. */
  readonly attempts: number
  /** The origin of the first one of its chain, where this is a later attempt. */
  readonly redriveOf: string | null
  readonly createdAt: Date
  readonly publishedAt: Date | null
  /** Sent again, and what became of it is not known yet. */
  readonly redrivenAt: Date | null
  readonly resolvedAt: Date | null
  readonly resolution: string | null
}

/** The columns of a line, of rows `d`. */
export const LINE = `d.id, d.topic, d.partition, d."offset", d.incarnation, d.code, d.failure, d.issues, d.batch_id as "batchId",
  octet_length(d.key) as "keyBytes", octet_length(d.value) as "valueBytes", d.attempts, d.redrive_of as "redriveOf",
  d.created_at as "createdAt", d.published_at as "publishedAt", d.redriven_at as "redrivenAt",
  d.resolved_at as "resolvedAt", d.resolution`

/** Newest first; `before` pages on from an id. */
export async function listDeadLetters(
  pool: Pool,
  filter: DeadLetterFilter,
  { limit, before }: { readonly limit: number; readonly before?: number | undefined },
): Promise<DeadLetterLine[]> {
  const { where, values } = conditionOf(filter)
  const { rows } = await pool.query<DeadLetterLine>(
    `select ${LINE} from audit.dead_letters d
     where ${where} and ($${values.length + 1}::int8 is null or d.id < $${values.length + 1})
     order by d.id desc limit $${values.length + 2}`,
    [...values, before ?? null, limit],
  )
  return rows
}

export async function countDeadLetters(pool: Pool, filter: DeadLetterFilter): Promise<number> {
  const { where, values } = conditionOf(filter)
  const { rows } = await pool.query<{ count: number }>(
    `select count(*) as count from audit.dead_letters d where ${where}`,
    values,
  )
  return rows[0]!.count
}
