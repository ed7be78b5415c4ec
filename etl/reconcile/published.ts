import { setTimeout as delay } from 'node:timers/promises'
import type { Pool } from 'pg'
import { count } from '../text/wording.ts'
import { findMismatches } from './findings.ts'
import type { CheckResult, FindingGroup } from './report.ts'
import type { Snapshot } from './snapshot.ts'

/** How long the job may take to publish what it has just loaded: it does so every second, or at its end. */
export const PUBLISH_GRACE_MS = 10_000
const EVERY_MS = 250

interface Unpublished {
  readonly id: number
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly created_at: Date
}

/**
 * No dead letter waits to be published. A live job loads first and publishes right afterwards, so where
 * one waits that is younger than the grace time, we look again outside the snapshot, and count what was
 * there at the snapshot's time and waits still.
 */
export async function checkPublished(snapshot: Snapshot, pool: Pool, graceMs: number): Promise<CheckResult> {
  const { rows } = await snapshot.query<{ at: string; letters: number; young: boolean }>(
    `select now()::text as at, count(*) as letters,
            coalesce(bool_or(published_at is null and created_at > now() - make_interval(secs => $1)), false) as young
     from audit.dead_letters`,
    [graceMs / 1_000],
  )
  const { at, letters, young } = rows[0]!
  const findings = young ? await stillWaiting(pool, at, graceMs) : await waiting(snapshot, at)
  return { rule: 'each dead letter is published', scope: count(letters, 'dead letter'), findings }
}

async function stillWaiting(pool: Pool, at: string, graceMs: number): Promise<FindingGroup[]> {
  const deadline = performance.now() + graceMs
  const snapshot = await pool.connect()
  try {
    for (;;) {
      const findings = await waiting(snapshot, at)
      if (findings.length === 0 || performance.now() >= deadline) return findings
      await delay(EVERY_MS)
    }
  } finally {
    snapshot.release()
  }
}

/** @param at Postgres' own text of a timestamp, which we write and nobody else. */
function waiting(snapshot: Snapshot, at: string): Promise<FindingGroup[]> {
  return findMismatches<Unpublished>(
    snapshot,
    `select 'unpublished' as kind, id as sort, id, topic, partition, "offset", created_at
     from audit.dead_letters where published_at is null and created_at <= '${at}'::timestamptz`,
    ({ id }) => `dead letter ${id}`,
    ({ topic, partition, offset, created_at }) =>
      `of ${topic}/${partition} offset ${offset}, waits to be published since ${created_at.toISOString()}`,
  )
}
