import type { Pool } from 'pg'
import { and, eq, isNotNull, isNull, sql } from '../postgres/drizzle.ts'
import { columnsOf, on, type Row } from '../postgres/query.ts'
import { dataLosses } from '../schema/audit.ts'
import { ActionRefused, actAtOnce, type Action, type Operator } from '../operations/actions.ts'

const LOSS = {
  ...columnsOf(dataLosses, 'topic', 'partition', 'incarnation', 'detectedAt', 'acknowledgedBy', 'reason'),
  from: dataLosses.fromOffset,
  /** One past the last. */
  to: dataLosses.toOffset,
}
export type DataLoss = Row<typeof LOSS>

/** Of one partition or of all; open ones first. */
export function readDataLosses(pool: Pool, topic: string, partition?: number): Promise<DataLoss[]> {
  const ofPartition = partition === undefined ? undefined : eq(LOSS.partition, partition)
  return on(pool)
    .select(LOSS)
    .from(dataLosses)
    .where(and(eq(LOSS.topic, topic), ofPartition))
    .orderBy(isNotNull(dataLosses.acknowledgedAt), LOSS.partition, LOSS.incarnation, LOSS.from)
}

/**
 * An operator has seen a data loss: it stays on record with the reason, and no longer fails reconcile.
 *
 * @throws ActionRefused, also where somebody did so before: the first reason stands.
 */
export function acknowledgeLoss(
  pool: Pool,
  by: Operator,
  { stream, ...loss }: Pick<DataLoss, 'topic' | 'partition' | 'incarnation' | 'from'> & { stream: string },
  reason: string,
): Promise<Action> {
  const { topic, partition, incarnation, from } = loss
  const target = { topic, partition, incarnation, from }
  return actAtOnce(pool, by, { action: 'acknowledge_loss', stream, target, reason }, async (client) => {
    const { rowCount } = await on(client)
      .update(dataLosses)
      .set({ acknowledgedAt: sql`now()`, acknowledgedBy: by.name, reason })
      .where(
        and(
          eq(LOSS.topic, topic),
          eq(LOSS.partition, partition),
          eq(LOSS.incarnation, incarnation),
          eq(LOSS.from, from),
          isNull(dataLosses.acknowledgedAt),
        ),
      )
    if (rowCount === 0)
      throw new ActionRefused(
        `${topic}/${partition} has no open data loss that begins at ${from}: it may have been acknowledged meanwhile.`,
      )
  })
}
