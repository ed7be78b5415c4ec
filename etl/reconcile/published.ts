import { setTimeout as delay } from 'node:timers/promises'
import type { Pool } from 'pg'
import { and, countRows, isNull, sql } from '../postgres/drizzle.ts'
import { columnsOf, on, type Client } from '../postgres/query.ts'
import { deadLetters } from '../schema/audit.ts'
import { count } from '../text/wording.ts'
import { EXAMPLES } from './findings.ts'
import type { CheckResult, FindingGroup } from './report.ts'
import type { Stream } from '../stream/compile.ts'
import { ofStream, type Snapshot } from './snapshot.ts'

/** How long the job may take to publish what it has just loaded: it does so every second, or at its end. */
export const PUBLISH_GRACE_MS = 10_000
const EVERY_MS = 250

/**
 * No dead letter waits to be published. A live job loads first and publishes right afterwards, so where
 * one waits that is younger than the grace time, we look again outside the snapshot, and count what was
 * there at the snapshot's time and waits still.
 */
export async function checkPublished(
  snapshot: Snapshot,
  pool: Pool,
  { name: stream }: Stream,
  graceMs: number,
): Promise<CheckResult> {
  const { createdAt, publishedAt } = deadLetters
  const [seen] = await on(snapshot)
    .select({
      at: sql<string>`now()::text`,
      letters: countRows(),
      young: sql<boolean>`coalesce(bool_or(${publishedAt} is null and ${createdAt} > now() - make_interval(secs => ${graceMs / 1_000})), false)`,
    })
    .from(deadLetters)
    .where(sql.raw(ofStream(stream)))
  const { at, letters, young } = seen!
  const findings = young ? await stillWaiting(pool, stream, at, graceMs) : await waiting(snapshot, stream, at)
  return { rule: 'each dead letter is published', scope: count(letters, 'dead letter'), findings }
}

async function stillWaiting(
  pool: Pool,
  stream: string,
  at: string,
  graceMs: number,
): Promise<FindingGroup[]> {
  const deadline = performance.now() + graceMs
  for (;;) {
    const findings = await waiting(pool, stream, at)
    if (findings.length === 0 || performance.now() >= deadline) return findings
    await delay(EVERY_MS)
  }
}

/** @param at Postgres' own text of a timestamp: a date of ours has no microseconds. */
async function waiting(client: Client, stream: string, at: string): Promise<FindingGroup[]> {
  const { id, createdAt, publishedAt } = deadLetters
  const rows = await on(client)
    .select({
      total: sql<number>`count(*) over ()`,
      ...columnsOf(deadLetters, 'id', 'topic', 'partition', 'offset', 'createdAt'),
    })
    .from(deadLetters)
    .where(and(sql.raw(ofStream(stream)), isNull(publishedAt), sql`${createdAt} <= ${at}::timestamptz`))
    .orderBy(id)
    .limit(EXAMPLES)
  const [first] = rows
  if (first === undefined) return []
  const examples = rows.map((letter) => ({
    subject: `dead letter ${letter.id}`,
    message: `of ${letter.topic}/${letter.partition} offset ${letter.offset}, waits to be published since ${letter.createdAt.toISOString()}`,
  }))
  return [{ kind: 'unpublished', total: first.total, examples }]
}
