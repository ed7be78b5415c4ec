import type { Pool } from 'pg'
import { stream } from './stream.ts'

/**
 * Fills a migrated warehouse with two months of history on a topic of its own, so that the planner chooses
 * as it does in production: 80,000 facts, half of them of the last day, their rollup, a week of runs and
 * batches, dead letters, a stopped partition, an open loss.
 */
export async function fillHistory(pool: Pool): Promise<void> {
  await pool.query(
    `select audit.ensure_partition('transactions', now() - make_interval(months => n)) from generate_series(0, 3) n`,
  )
  for (const statement of [FACTS, ROLLUP, RUNS, BATCHES, DEAD_LETTERS, LOSSES, PROGRESS]) {
    await pool.query(statement)
  }
  await pool.query('vacuum analyze')
}

const FACTS = `
  insert into warehouse.transactions
    (transaction_timestamp, order_id, source_offset, source_partition, incarnation, is_fraud_flagged, fraud_score, amount,
     tax_amount, total_amount, currency, customer_id, product_category, batch_id, fraud_reasons)
  select at, gen_random_uuid(), n, n % 3, 1, flagged, case when flagged then 50 else 0 end, amount,
         round(amount * 0.085, 2), amount + round(amount * 0.085, 2), (array['USD', 'EUR', 'GBP', 'CAD', 'AUD', 'CHF'])[1 + n % 6],
         'cust-' || n % 5000, (array['books', 'home', 'toys', 'sports', 'O''Reilly "x"', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'])[1 + n % 13],
         'history:' || n % 3 || ':0-9', case when flagged then array['amount over 1000'] else '{}' end
  from (
    select n, now() - case when n % 2 = 0 then interval '1 day' else interval '60 days' end * (n / 80000.0) as at,
           round((1 + n % 1100 + n % 97 / 100.0)::numeric, 2) as amount, n % 1100 > 1050 as flagged
    from generate_series(1, 80000) n
  ) sales`

const ROLLUP = `
  insert into warehouse.sales_by_minute
    (minute, source_partition, currency, product_category, transactions, flagged, amount, tax_amount, flagged_amount)
  select date_trunc('minute', transaction_timestamp), source_partition, currency, product_category, count(*),
         count(*) filter (where is_fraud_flagged), sum(amount), sum(tax_amount),
         coalesce(sum(amount) filter (where is_fraud_flagged), 0)
  from warehouse.transactions where batch_id like 'history:%'
  group by 1, 2, 3, 4
  on conflict (minute, source_partition, currency, product_category) do update set
    transactions = sales_by_minute.transactions + excluded.transactions, flagged = sales_by_minute.flagged + excluded.flagged,
    amount = sales_by_minute.amount + excluded.amount, tax_amount = sales_by_minute.tax_amount + excluded.tax_amount,
    flagged_amount = sales_by_minute.flagged_amount + excluded.flagged_amount`

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
         '[{"field": "amount", "message": "must be above 0"}, {"field": "", "message": "as a whole"}]', 'history:0:0', at,
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
  values ('history', 0, 'transactions', 10000, 1, 0, 200010, 'c', 0, 200030, now(), now(), null, null, null),
         ('history', 1, 'transactions', 10001, 1, 0, 200010, 'c', 0, 200500, now(), now(), now() - interval '1 hour', 'mass_rejection', '150 of the last 200 records'),
         ('history', 2, 'transactions', 10002, 1, 0, 200010, 'c', 0, 200030, now(), now(), null, null, null)`
