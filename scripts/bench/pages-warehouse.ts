import { withClient } from '../with-client.ts'

/** As the help of bench:pages says. */
const AMOUNTS = {
  facts: 1_000_000,
  batches: 100_000,
  deadLetters: 20_000,
  actions: 1_000,
  alerts: 1_000,
}
/** One partition of the ledger in four is each run's. */
const PARTITIONS = 4
const SECONDS_A_RUN = 30

/**
 * Fills an empty, migrated warehouse as that many runs would have, one every 30 s up to now: facts with their
 * keys and rollup, a ledger that balances, dead letters in groups, some of them resolved.
 */
export function fillWarehouse(databaseUrl: string, topic: string): Promise<void> {
  return withClient(databaseUrl, async (client) => {
    await client.query(`set synchronous_commit to off; set timezone to 'UTC'; select setseed(0.5)`)
    for (const [what, text] of statements(topic)) {
      process.stderr.write(`filling ${what}\n`)
      await client.query(text)
    }
  })
}

/** All values are ours and numbers; a record's place follows from its number alone. */
function statements(topic: string): [string, string][] {
  const { facts, batches, deadLetters, actions, alerts } = AMOUNTS
  const runs = batches / PARTITIONS
  const perBatch = facts / batches
  const size = perBatch + 1 // and one that is a duplicate or a dead letter
  const everyNth = batches / deadLetters
  const startOf = (run: string) =>
    `date_trunc('second', now()) - make_interval(secs => ${SECONDS_A_RUN} * (${runs} - (${run})))`
  return [
    [
      'runs',
      `insert into audit.pipeline_runs (stream, kind, worker, status, started_at, finished_at, batches, consumed, loaded,
         duplicate, dead_lettered, error)
       select 'transactions', case when n % 500 = 0 then 'manual' else 'tick' end, 'worker-' || n % 3,
         case when n % 1000 = 999 then 'failed' else 'succeeded' end, ${startOf('n')}, ${startOf('n')} + interval '2 s',
         ${PARTITIONS}, ${PARTITIONS * size}, ${PARTITIONS * perBatch}, ${PARTITIONS} - (n % ${everyNth} = 0)::int * ${PARTITIONS},
         (n % ${everyNth} = 0)::int * ${PARTITIONS},
         case when n % 1000 = 999 then repeat('canceling statement due to lock timeout ', 20) end
       from generate_series(0, ${runs - 1}) n order by n`,
    ],
    [
      'the ledger',
      `insert into audit.pipeline_batches (topic, partition, incarnation, from_offset, to_offset, batch_id, run_id,
         consumed, loaded, duplicate, dead_lettered, bytes, oldest_record_at, newest_record_at, extract_ms, validate_ms,
         transform_ms, load_ms, loaded_at)
       select '${topic}', p, 1, k * ${size}, (k + 1) * ${size}, '${topic}:' || p || ':' || k * ${size} || '-' || (k + 1) * ${size} - 1,
         r.id, ${size}, ${perBatch}, (k % ${everyNth} <> 0)::int, (k % ${everyNth} = 0)::int, 300 * ${size},
         r.started_at - interval '30 s', r.started_at, 20 * random(), 5 * random(), random(), 60 * random(),
         r.started_at + p * interval '0.2 s'
       from audit.pipeline_runs r, generate_series(0, ${PARTITIONS - 1}) p, lateral (select r.id - 1 as k) as number
       order by r.id, p`,
    ],
    [
      'progress',
      `insert into audit.partition_progress (topic, partition, stream, source_partition, incarnation, first_offset, next_offset, cluster_id,
         log_start, log_end, log_seen_at, last_offset, last_timestamp)
       select '${topic}', p, 'transactions', p, 1, 0, ${runs * size}, 'bench', 0, ${runs * size}, now(), ${runs * size - 1}, now()
       from generate_series(0, ${PARTITIONS - 1}) p`,
    ],
    [
      'months',
      `select audit.ensure_partition('transactions', month) from generate_series(${startOf('-1')} - interval '1 month', now(), interval '1 month') month`,
    ],
    ['this month', `select audit.ensure_partition('transactions', now())`],
    [
      'facts',
      `insert into warehouse.transactions (transaction_timestamp, processed_at, order_id, source_offset, source_partition,
         incarnation, is_fraud_flagged, fraud_score, amount, tax_amount, total_amount, currency, customer_id,
         product_category, batch_id, fraud_reasons)
       select b.newest_record_at + i * interval '1 ms', b.loaded_at, gen_random_uuid(), b.from_offset + i, b.partition, 1,
         flagged, flagged::int * 60, amount, round(amount * 0.085, 2), amount + round(amount * 0.085, 2),
         (array['USD', 'EUR', 'GBP', 'JPY', 'CHF'])[1 + n % 5], 'customer-' || n % 5000, 'category-' || n % 8,
         b.batch_id, case when flagged then array['large_amount'] else '{}' end
       from (select *, row_number() over (order by run_id, partition) as number from audit.pipeline_batches) b,
         generate_series(1, ${perBatch}) i,
         lateral (select b.number * ${perBatch} + i as n) as counted,
         lateral (select n % 25 = 0 as flagged) as rule,
         lateral (select case when flagged then 1000 + n % 9000 else 1 + n % 999 end + 0.25 as amount) as price`,
    ],
    [
      'keys',
      `insert into warehouse.order_keys select order_id, transaction_timestamp from warehouse.transactions order by order_id`,
    ],
    [
      'the rollup',
      `insert into warehouse.sales_by_minute (minute, source_partition, currency, product_category, transactions, flagged,
         amount, tax_amount, flagged_amount)
       select date_trunc('minute', transaction_timestamp), source_partition, currency, product_category, count(*),
         count(*) filter (where is_fraud_flagged), sum(amount), sum(tax_amount),
         coalesce(sum(amount) filter (where is_fraud_flagged), 0)
       from warehouse.transactions group by 1, 2, 3, 4`,
    ],
    [
      'dead letters',
      `insert into audit.dead_letters (topic, partition, "offset", incarnation, kafka_timestamp, key, value, headers, code,
         issues, batch_id, created_at, published_at, resolved_at, resolution)
       select '${topic}', partition, from_offset, 1, oldest_record_at, convert_to('customer-' || number % 5000, 'UTF8'),
         convert_to('{"order_id":"' || gen_random_uuid() || '","amount":-1,"note":"' || repeat('x', 200) || '"}', 'UTF8'), '[]',
         (array['schema_violation', 'malformed_json', 'conflicting_duplicate'])[1 + number % 3],
         jsonb_build_array(jsonb_build_object('field', (array['amount', '', 'order_id'])[1 + number % 3],
           'message', 'is not what the contract accepts')),
         batch_id, loaded_at, loaded_at, case when number % 4 = 0 then loaded_at + interval '1 h' end,
         case when number % 4 = 0 then 'dismissed' end
       from (select *, row_number() over (order by run_id, partition) as number from audit.pipeline_batches
             where dead_lettered = 1) b order by number`,
    ],
    [
      'actions',
      `insert into audit.operator_actions (stream, action, target, reason, requested_by, via, requested_at, status, total, done,
         result, finished_at)
       select 'transactions', (array['pause', 'resume', 'run_now', 'redrive', 'dismiss'])[1 + n % 5],
         case when n % 5 > 2 then '{"filter": {"code": "schema_violation"}}' else '{}' end::jsonb, 'because of ' || n,
         'operator-' || n % 7, 'console', ${startOf(`n * ${runs / actions}`)}, 'succeeded', n, n,
         case 1 + n % 5 when 4 then jsonb_build_object('sent', n, 'skipped', '{}'::jsonb, 'tooLarge', '[]'::jsonb)
           when 5 then jsonb_build_object('dismissed', n, 'skipped', '{}'::jsonb) end, ${startOf(`n * ${runs / actions}`)}
       from generate_series(0, ${actions - 1}) n`,
    ],
    [
      'alerts',
      `insert into audit.alerts (stream, rule, scope, severity, summary, first_action, started_at, ended_at)
       select 'transactions', 'run_failed', 'alert ' || n, 'critical', 'The last run failed.', 'Look at its error.',
         ${startOf(`n * ${runs / alerts}`)}, case when n < ${alerts - 3} then ${startOf(`n * ${runs / alerts}`)} + interval '5 min' end
       from generate_series(0, ${alerts - 1}) n`,
    ],
    [
      'their notifications',
      `insert into audit.alert_notifications (alert_id, event, channel, created_at, attempts, sent_at)
       select id, event, channel, started_at, 1, started_at
       from audit.alerts, unnest(array['started', 'ended']) event, unnest(array['webhook', 'email']) channel
       where event = 'started' or ended_at is not null`,
    ],
    [
      'workers',
      `insert into audit.workers (stream, name, schedule, next_tick_at, partitions)
       select 'transactions', 'worker-' || n, '*/30 * * * * *', now() + interval '20 s', array[n, n + 1] from generate_series(0, 2) n`,
    ],
    ['statistics', 'vacuum (analyze)'],
  ]
}
