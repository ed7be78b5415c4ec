import type { Pool } from 'pg'
import { stream } from './stream.ts'

/**
 * Fills a migrated warehouse with two months of history on a topic of its own, so that the planner chooses
 * as it does in production: a week of runs and batches, dead letters, a stopped partition, an open loss.
 *
 * @param ofStream statements that insert facts and what is summed of them.
 */
export async function fillHistory(pool: Pool, ofStream: readonly string[] = []): Promise<void> {
  for (const statement of [...ofStream, RUNS, BATCHES, DEAD_LETTERS, LOSSES, PROGRESS]) {
    await pool.query(statement)
  }
  await pool.query('vacuum analyze')
}

const RUNS = `
  insert into audit.pipeline_runs (stream, kind, worker, status, started_at, finished_at, error)
  select '${stream.name}', 'tick', 'history-worker', case when n % 150 = 5 then 'failed' else 'succeeded' end,
         now() - n * interval '30 seconds', now() - n * interval '30 seconds' + interval '2 seconds',
         case when n % 150 = 5 then 'partition 1: connection refused' end
  from generate_series(20000, 1, -1) n`

const BATCHES = `
  insert into audit.pipeline_batches
    (topic, partition, incarnation, from_offset, to_offset, batch_id, run_id, consumed, loaded, duplicate, dead_lettered, bytes,
     oldest_record_at, newest_record_at, extract_ms, validate_ms, transform_ms, load_ms, loaded_at)
  select 'history', p, 1, r.n * 10, r.n * 10 + 10, 'history:' || p || ':' || r.n, r.id, 10, 8, 1, 1, 2000,
         r.finished_at - interval '20 seconds', r.finished_at - interval '1 second', 5, 1, 1, 12, r.finished_at
  from (select *, row_number() over (order by id) as n from audit.pipeline_runs where worker = 'history-worker') r,
       generate_series(0, 2) p`

const DEAD_LETTERS = `
  insert into audit.dead_letters
    (topic, partition, "offset", incarnation, kafka_timestamp, value, headers, code, issues, batch_id, created_at, published_at,
     resolved_at, resolution, redrive_of)
  select 'history', n % 3, n, 1 + n % 2, at, '\\x00ff', '[]', (array['malformed_json', 'schema_violation', 'conflicting_duplicate'])[1 + n % 3],
         '[{"field": "a_field", "message": "must be above 0"}, {"field": "", "message": "as a whole"}]', 'history:0:0', at,
         case when n % 10 > 0 then at end, case when n % 4 = 0 then at end, case when n % 4 = 0 then 'loaded' end,
         case when n % 7 = 0 then 'history:0:1' end
  from (select n, now() - n * interval '2 minutes' as at from generate_series(1, 5000) n) letters`

const LOSSES = `
  insert into audit.data_losses (topic, partition, incarnation, from_offset, to_offset, detected_at, acknowledged_at, acknowledged_by, reason)
  values ('history', 0, 1, 500, 700, now() - interval '3 days', null, null, null),
         ('history', 1, 1, 100, 150, now() - interval '5 minutes', now(), 'ops', 'sent again')`

const PROGRESS = `
  insert into audit.partition_progress
    (topic, partition, stream, source_partition, incarnation, first_offset, next_offset, cluster_id, log_start, log_end, log_seen_at, last_timestamp, stopped_at,
     stop_code, stop_reason)
  values ('history', 0, '${stream.name}', 10000, 1, 0, 200010, 'c', 0, 200030, now(), now(), null, null, null),
         ('history', 1, '${stream.name}', 10001, 1, 0, 200010, 'c', 0, 200500, now(), now(), now() - interval '1 hour', 'mass_rejection', '150 of the last 200 records'),
         ('history', 2, '${stream.name}', 10002, 1, 0, 200010, 'c', 0, 200030, now(), now(), null, null, null)`
