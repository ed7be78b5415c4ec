import type { Pool } from 'pg'
import { on } from '../postgres/query.ts'
import { operatorActions } from '../schema/operations.ts'
import { ACTION, UNFINISHED, type Action } from '../operations/actions.ts'

/** What waits for a person, or goes on because one asked for it. */
export interface Attention {
  readonly openAlerts: number
  readonly unacknowledgedLosses: number
  readonly openDeadLetters: number
  /** Dead letters that the DLQ topic does not have yet. */
  readonly unpublishedDeadLetters: number
  /** Replays, redrives and dismissals that wait or run, the first asked for first. */
  readonly actions: readonly Action[]
}

/** Counting more would take long, and tells nobody more. */
export const MOST_COUNTED = 10_000

export async function readAttention(pool: Pool): Promise<Attention> {
  const [{ rows: counts }, actions] = await Promise.all([
    pool.query<Omit<Attention, 'actions'>>(
      `select (select count(*) from audit.alerts where ended_at is null) as "openAlerts",
              (select count(*) from audit.data_losses where acknowledged_at is null) as "unacknowledgedLosses",
              (select count(*) from (select from audit.dead_letters where resolved_at is null limit ${MOST_COUNTED}) open)
                as "openDeadLetters",
              (select count(*) from (select from audit.dead_letters where published_at is null limit ${MOST_COUNTED}) waiting)
                as "unpublishedDeadLetters"`,
    ),
    on(pool).select(ACTION).from(operatorActions).where(UNFINISHED).orderBy(ACTION.id).limit(20),
  ])
  return { ...counts[0]!, actions }
}
