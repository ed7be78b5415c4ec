import { Client, Pool } from 'pg'
import { expect, inject, onTestFinished, test } from 'vitest'
import { readMigrations } from '../../../../etl/postgres/migrations.ts'
import { reconcile } from '../../../../etl/reconcile/reconcile.ts'
import { migrate } from '../../../../scripts/migration/migrate.ts'
import { ensureRoles, prepareDatabase } from '../../../../scripts/migration/roles.ts'
import { createDatabase } from '../../../../tests/support/database.ts'
import { stream } from '../support/a-transaction.ts'

/** A warehouse as version 0.3 made it: its six migrations, and rows as its workers wrote them. */
async function aWarehouseOf03(...rows: string[]) {
  const database = await createDatabase(inject('databaseUrl'))
  const client = new Client({ connectionString: database.url })
  await client.connect()
  onTestFinished(async () => {
    await client.end()
    await database.drop()
  })
  await ensureRoles(client)
  await prepareDatabase(client)
  await client.query(`set role pulse_owner;
    create schema audit;
    create table audit.schema_migrations (
      id integer generated always as identity primary key, tag text not null unique, hash text not null,
      applied_at timestamptz not null default now()
    )`)
  for (const { tag, hash, statements } of readMigrations().engine.slice(0, 6)) {
    for (const statement of statements) await client.query(statement)
    await client.query('insert into audit.schema_migrations (tag, hash) values ($1, $2)', [tag, hash])
  }
  await client.query('reset role')
  for (const sql of rows) await client.query(sql)
  return { url: database.url, client }
}

/** What a worker has loaded of a partition: facts, their part of the rollup, a dead letter, the batch. */
const loaded = (topic: string, partition: number, facts: number) => [
  `select warehouse.ensure_month('2026-11-01')`,
  `insert into audit.pipeline_runs (kind, worker, status) values ('tick', 'w', 'succeeded')`,
  `insert into audit.partition_progress (topic, partition, incarnation, first_offset, next_offset, cluster_id, log_start)
   values ('${topic}', ${partition}, 1, 0, ${facts + 1}, 'c', 0)`,
  `insert into audit.pipeline_batches (topic, partition, incarnation, from_offset, to_offset, batch_id, run_id, consumed, loaded,
     dead_lettered, extract_ms, validate_ms, transform_ms, load_ms)
   select '${topic}', ${partition}, 1, 0, ${facts + 1}, '${topic}:${partition}:0-${facts}', max(id), ${facts + 1}, ${facts}, 1, 1, 1, 1, 1
   from audit.pipeline_runs`,
  `insert into audit.dead_letters (topic, partition, "offset", incarnation, kafka_timestamp, headers, code, issues, batch_id, published_at)
   values ('${topic}', ${partition}, ${facts}, 1, now(), '[]', 'malformed_json', '[]', '${topic}:${partition}:0-${facts}', now())`,
  `with f as (
     insert into warehouse.transactions (transaction_timestamp, order_id, source_offset, source_partition, incarnation, is_fraud_flagged,
       fraud_score, amount, tax_amount, total_amount, currency, customer_id, product_category, batch_id, fraud_reasons)
     select '2026-11-03 10:00Z', gen_random_uuid(), n, ${partition}, 1, n = 0, 50, 10 + n, 1, 11 + n, 'EUR', 'c', 'books',
            '${topic}:${partition}:0-${facts}', '{}'
     from generate_series(0, ${facts - 1}) n
     returning order_id, transaction_timestamp, amount, is_fraud_flagged
   ), k as (insert into warehouse.order_keys select order_id, transaction_timestamp from f)
   insert into warehouse.sales_by_minute as s (minute, source_partition, currency, product_category, transactions, flagged, amount,
     tax_amount, flagged_amount)
   select transaction_timestamp, ${partition}, 'EUR', 'books', count(*), count(*) filter (where is_fraud_flagged), sum(amount), count(*),
          sum(amount) filter (where is_fraud_flagged)
   from f group by 1
   on conflict (minute, source_partition, currency, product_category) do update set transactions = s.transactions + excluded.transactions,
     flagged = s.flagged + excluded.flagged, amount = s.amount + excluded.amount, tax_amount = s.tax_amount + excluded.tax_amount,
     flagged_amount = s.flagged_amount + excluded.flagged_amount`,
]

async function findingsOf(url: string): Promise<string[]> {
  const pool = new Pool({ connectionString: url, max: 2 })
  onTestFinished(() => pool.end())
  const { checks } = await reconcile({ pool, stream, topic: 'transactions' })
  return checks.flatMap(({ name, findings }) => (findings.length === 0 ? [] : [name]))
}

test('a warehouse of 0.3 migrates in place: facts, dead letters, an open alert and a replay stay as they are', async () => {
  const { url, client } = await aWarehouseOf03(
    ...loaded('transactions', 0, 5),
    ...loaded('transactions', 1, 3),
    `insert into audit.opening_balances (topic, partition, incarnation, from_offset, to_offset) values ('transactions', 2, 1, 0, 9)`,
    `insert into audit.partition_progress (topic, partition, incarnation, first_offset, next_offset, cluster_id, log_start)
     values ('transactions', 2, 1, 0, 9, 'c', 0)`,
    `insert into audit.alerts (rule, severity, summary, first_action) values ('late', 'critical', 's', 'f')`,
    `insert into audit.operator_actions (action, target, requested_by, via, status, total, done, result)
     values ('replay', '{}', 'ana', 'pulse', 'running', 9, 4, '{"changed": 4, "flagged": {"before": 1, "after": 2}}')`,
  )
  const everything = async () => {
    const tables = ['warehouse.transactions', 'warehouse.order_keys', 'warehouse.sales_by_minute']
    tables.push(
      'audit.dead_letters',
      'audit.pipeline_batches',
      'audit.opening_balances',
      'audit.alerts',
      'audit.operator_actions',
    )
    const rows: unknown[] = []
    for (const table of tables) rows.push((await client.query(`select * from ${table} order by 1, 2`)).rows)
    return rows
  }
  /** Where the rows of a table are: another number after a rewrite, which a large table must be spared. */
  const files = async () =>
    (
      await client.query(
        `select relname, relfilenode from pg_class join pg_namespace n on n.oid = relnamespace
         where nspname in ('warehouse', 'audit') and relname <> all('{streams,schema_migrations}') and relkind = 'r'
         order by relname, nspname`,
      )
    ).rows
  const before = await everything()
  const filesBefore = await files()
  const { engine, streams } = readMigrations()
  const since = [...engine.slice(6).map(({ tag }) => tag), ...streams.map(({ tag }) => `streams/${tag}`)]
  expect((await migrate(url)).applied).toEqual(since)
  // The same, with the columns that are new since.
  expect(await everything()).toMatchObject(before)
  expect(await files()).toEqual(expect.arrayContaining(filesBefore))
  expect(await findingsOf(url)).toEqual([])
  const { rows } = await client.query(
    'select stream, source_partition from audit.partition_progress order by 2',
  )
  expect(rows).toEqual([0, 1, 2].map((source_partition) => ({ stream: 'transactions', source_partition })))
})

test('two topics in one warehouse get numbers apart, and facts and rollup with them', async () => {
  const { url, client } = await aWarehouseOf03(
    ...loaded('transactions', 0, 7),
    ...loaded('another', 0, 3),
    ...loaded('another', 1, 1),
  )
  await migrate(url)
  const numbers = `select source_partition as n, count(*)::int as facts, sum(amount)::float8 as amount`
  const { rows } = await client.query(`${numbers} from warehouse.transactions group by 1 order by 1`)
  expect(rows).toEqual([
    { n: 0, facts: 7, amount: 91 },
    { n: 10_000, facts: 3, amount: 33 },
    { n: 10_001, facts: 1, amount: 10 },
  ])
  const sums = await client.query(
    'select source_partition as n, transactions::int as facts, amount::float8 from warehouse.sales_by_minute order by 1',
  )
  expect(sums.rows).toEqual(rows)
  expect(await findingsOf(url)).toEqual([])
})

test('a warehouse of 0.3 whose sales tables were changed by hand is refused, and stays as it was', async () => {
  const { url, client } = await aWarehouseOf03(
    'alter table warehouse.transactions alter column amount type numeric(20, 4)',
  )
  await expect(migrate(url)).rejects.toThrow(
    'warehouse.transactions.amount is numeric(20,4) not null, not numeric(12, 2)',
  )
  const { rowCount } = await client.query(`select from pg_class where relname = 'streams'`)
  expect(rowCount).toBe(0)
})
