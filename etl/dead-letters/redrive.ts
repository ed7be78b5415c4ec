import type { Pool } from 'pg'
import type { SQL } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'
import { sql } from '../postgres/drizzle.ts'
import { read } from '../postgres/query.ts'
import { deadLetters } from '../schema/audit.ts'
import { originOfRow } from '../ledger/dead-letters.ts'
import { ActionRefused, type Action, type Operator } from '../operations/actions.ts'
import { d, type DeadLetterFilter } from './filter.ts'
import { requestOnDeadLetters } from './bulk-action.ts'

/** Why a dead letter was not sent. */
export type SkipReason =
  | 'resolved'
  | 'other_topic'
  | 'left_topic'
  | 'undecodable'
  | 'later_attempt'
  | 'waiting'
  | 'too_large'

/** For people: how many were not sent, because they were … */
export const SKIPPED_BECAUSE: Readonly<Record<SkipReason, string>> = {
  resolved: 'resolved meanwhile',
  other_topic: 'of another topic',
  left_topic: 'of a stream that was moved from this worker’s topic',
  undecodable: 'undecodable, to be corrected',
  later_attempt: 'with a later attempt that is open',
  waiting: 'sent before, outcome not known yet',
  too_large: 'too large for the topic',
}

/** What came of a redrive: the records that went to the topic. What becomes of them there, a run finds out. */
export interface RedriveResult {
  readonly sent: number
  readonly skipped: Readonly<Partial<Record<SkipReason, number>>>
  /** Ids of the first that the topic did not take for their size. */
  readonly tooLarge: readonly number[]
}

/** Says of a single dead letter why it can't be sent; '' stands for its number. */
const REFUSALS: Readonly<Record<Exclude<SkipReason, 'too_large' | 'waiting'>, (topic: string) => string>> = {
  resolved: () => 'is resolved',
  other_topic: (topic) => `is of another topic than ${topic}, which this installation reads`,
  left_topic: (topic) => `can’t be sent to ${topic}, from which the stream was moved: nobody reads it`,
  undecodable: () =>
    'can’t be sent as it is: its record could not be decoded, and what is kept is the whole record batch. Give a corrected value',
  later_attempt: () => 'was sent again and failed again: redrive its latest attempt, which is open',
}

const MAX_VALUE_BYTES = 8 * 1024 * 1024

export interface RedriveOptions {
  readonly stream: string
  /** Of the stream. */
  readonly topic: string
  /** Sent instead of the original one; for exactly one dead letter. */
  readonly value?: Buffer | undefined
  readonly expectedCount?: number | undefined
}

/**
 * Asks for the records of all open dead letters that match to be sent again. A worker does it.
 *
 * @throws NotFound, ActionRefused: nothing was asked for then.
 */
export async function requestRedrive(
  pool: Pool,
  by: Operator,
  filter: DeadLetterFilter,
  reason: string | undefined,
  { stream, topic, value, expectedCount }: RedriveOptions,
): Promise<Action> {
  const single = isSingle(filter)
  if (value !== undefined && !single)
    throw new ActionRefused('A corrected value is for exactly one dead letter, named by its id.')
  if (value !== undefined && value.length > MAX_VALUE_BYTES)
    throw new ActionRefused(
      `The corrected value has ${value.length} bytes; at most ${MAX_VALUE_BYTES} can be sent.`,
    )
  return requestOnDeadLetters(
    pool,
    by,
    { action: 'redrive', stream, filter, reason, expectedCount, payload: value },
    async (client) => {
      if (!single) return
      const skip = skipReason(topic, value !== undefined, single)
      const [letter] = await read(
        client,
        { skip },
        (columns) => sql`select ${columns} from ${deadLetters} d where ${d.id} = ${filter.ids![0]}`,
      )
      const why = letter?.skip ?? null
      if (why !== null) throw new ActionRefused(`Dead letter ${filter.ids![0]} ${REFUSALS[why](topic)}.`)
    },
  )
}

/** One that an operator names may be sent again although the outcome of its last redrive is not known. */
export const isSingle = ({ ids }: DeadLetterFilter): boolean => ids?.length === 1

/** That a stream was moved from a topic: what it had of dead letters goes to the one in place of it. */
const isLeft = (topic: SQL | PgColumn): SQL =>
  sql`exists (select from audit.partition_progress p where p.topic = ${topic} and p.stop_code = 'moved')`

/**
 * Why a row `d` is not to be sent, or null.
 *
 * The chain is looked up by its index whatever the statistics say (`offset 0`): right after a mass failure
 * they are old, and Postgres would read all open dead letters for each one.
 */
export function skipReason(
  topic: string,
  corrected: boolean,
  single: boolean,
): SQL<keyof typeof REFUSALS | null> {
  const l = deadLetters
  return sql`case
    when ${d.resolvedAt} is not null then 'resolved'
    when ${isLeft(sql`${topic}`)} then 'left_topic'
    when ${d.topic} <> ${topic} and not ${isLeft(d.topic)} then 'other_topic'
    when ${d.code} = 'undecodable' and not ${corrected}::boolean then 'undecodable'
    when exists (
      select from (
        select ${l.id}, ${l.resolvedAt} from ${l} where ${l.redriveOf} in (${d.redriveOf}, ${originOfRow(d)}) offset 0
      ) later
      where later.id > ${d.id} and later.resolved_at is null
    ) then 'later_attempt'
    when ${d.redrivenAt} is not null and not ${single}::boolean then 'waiting'
  end`
}
