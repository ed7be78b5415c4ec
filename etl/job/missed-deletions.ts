import type { Pool } from 'pg'
import type { Kafka } from '../kafka/client.ts'
import { topicSettings, withAdmin } from '../kafka/topics.ts'
import type { Progress } from '../ledger/watermark.ts'
import type { Logger } from '../process/log.ts'
import type { LogNow } from './known-log.ts'

/** Kafka is asked for the topic's settings after so long only: no topic forgets deletions sooner. */
const SOON_MS = 60_000

/**
 * Of a stream that its log orders: notes where records were not read for longer than the topic keeps tombstones, as what was
 * deleted and compacted meanwhile can't be read any more. Before the look of now is written down, by which the next one goes.
 *
 * What Kafka stored up to a time was read: where nothing waited at the last look, up to that look; else up to the last record that
 * was loaded. Where nothing has come since, nothing was deleted.
 */
export async function noteMissedDeletions(
  { pool, kafka, logger }: { readonly pool: Pool; readonly kafka: Kafka; readonly logger: Logger },
  { topic, partition, incarnation, nextOffset }: Progress,
  log: LogNow,
): Promise<void> {
  if (log.end <= nextOffset) return
  const { rows } = await pool.query<{ since: number | null }>(
    `select (extract(epoch from now() - case when log_end <= next_offset then log_seen_at else last_timestamp end) * 1000)::bigint as since
     from audit.partition_progress where topic = $1 and partition = $2`,
    [topic, partition],
  )
  const unreadMs = rows[0]?.since ?? 0
  if (unreadMs < SOON_MS) return
  const settings = await withAdmin(kafka, (admin) => topicSettings(admin, topic))
  const keptMs = Number(settings['delete.retention.ms'])
  if (settings['cleanup.policy']?.includes('compact') !== true || unreadMs <= keptMs) return
  // One that is open says all that a sweep needs to know. Two that note it at once are swept at once.
  const { rowCount } = await pool.query(
    `insert into audit.missed_deletions (topic, partition, incarnation, read_until)
     select $1, $2, $3, now() - make_interval(secs => $4)
     where not exists (select from audit.missed_deletions
       where topic = $1 and partition = $2 and incarnation = $3 and swept_at is null)`,
    [topic, partition, incarnation, unreadMs / 1_000],
  )
  if (rowCount === 1)
    logger.error(
      { partition, unread_ms: unreadMs, delete_retention_ms: keptMs },
      'deletions may have been missed: what came was not read for longer than the topic keeps tombstones; pulse streams sweep finds them',
    )
}
