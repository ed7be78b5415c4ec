import type { Pool } from 'pg'

/**
 * The product's central promise, checked by SQL that shares nothing with the product's own reconcile:
 * what is wrong with a warehouse's books, a line each; empty where they balance.
 */
export async function imbalances(pool: Pool): Promise<string[]> {
  const found: string[] = []
  for (const [what, sql] of Object.entries(CHECKS)) {
    const { rows } = await pool.query(sql)
    for (const row of rows) found.push(`${what}: ${JSON.stringify(row)}`)
  }
  return found
}

/** Ranges of the ledger, and ranges on record as lost: together they are all offsets ever passed. */
const PIECES = `
  select topic, partition, incarnation, from_offset, to_offset from audit.pipeline_batches
  union all
  select topic, partition, incarnation, from_offset, to_offset from audit.data_losses`

/** Each gives one row for each violation. */
const CHECKS = {
  'ranges leave a gap or overlap': `
    select * from (
      select *, lag(to_offset) over (partition by topic, partition, incarnation order by from_offset) as previous_end
      from (${PIECES}) pieces
    ) pairs where previous_end <> from_offset`,

  'ranges are not from the first offset to the watermark': `
    select g.topic, g.partition, g.first_offset, g.next_offset, min(p.from_offset) as ranges_from, max(p.to_offset) as ranges_to
    from audit.partition_progress g
    left join (${PIECES}) p on (p.topic, p.partition, p.incarnation) = (g.topic, g.partition, g.incarnation)
    group by g.topic, g.partition
    having coalesce(min(p.from_offset), g.first_offset) <> g.first_offset
        or coalesce(max(p.to_offset), g.first_offset) <> g.next_offset`,

  'a range without a watermark': `
    select distinct p.topic, p.partition from (${PIECES}) p
    where not exists (select from audit.partition_progress g where (g.topic, g.partition) = (p.topic, p.partition))`,

  'a batch does not account for its records': `
    select b.batch_id, b.consumed, b.loaded, f.facts, b.duplicate, b.dead_lettered, d.letters
    from audit.pipeline_batches b
    cross join lateral (select count(*) as facts from warehouse.transactions t where t.batch_id = b.batch_id) f
    cross join lateral (select count(*) as letters from audit.dead_letters l where l.batch_id = b.batch_id) d
    where b.consumed <> f.facts + b.duplicate + d.letters
       or b.loaded <> f.facts or b.dead_lettered <> d.letters or b.duplicate < 0
       or b.consumed > b.to_offset - b.from_offset`,

  'a fact outside its batch': `
    select t.order_id, t.batch_id, t.source_partition, t.source_offset from warehouse.transactions t
    where not exists (
      select from audit.pipeline_batches b
      where b.batch_id = t.batch_id and (b.partition, b.incarnation) = (t.source_partition, t.incarnation)
        and t.source_offset >= b.from_offset and t.source_offset < b.to_offset)`,

  'a dead letter outside its batch': `
    select l.id, l.batch_id, l.partition, l."offset" from audit.dead_letters l
    where not exists (
      select from audit.pipeline_batches b
      where b.batch_id = l.batch_id and (b.topic, b.partition, b.incarnation) = (l.topic, l.partition, l.incarnation)
        and l."offset" >= b.from_offset and l."offset" < b.to_offset)`,

  'a record that became two things': `
    select b.topic, s.partition, s.incarnation, s.at, count(*) from (
      select batch_id, source_partition as partition, incarnation, source_offset as at from warehouse.transactions
      union all select batch_id, partition, incarnation, "offset" from audit.dead_letters
    ) s join audit.pipeline_batches b using (batch_id)
    group by b.topic, s.partition, s.incarnation, s.at having count(*) > 1`,

  'an order that is there twice': `
    select order_id, count(*) from warehouse.transactions group by order_id having count(*) > 1`,

  'keys and facts differ': `
    select k.order_id as claimed, t.order_id as loaded
    from warehouse.order_keys k
    full join warehouse.transactions t
      on (t.order_id, t.transaction_timestamp) = (k.order_id, k.transaction_timestamp)
    where k.order_id is null or t.order_id is null`,

  'rollup and facts differ': `
    select * from (
      select date_trunc('minute', transaction_timestamp, 'UTC') as minute, source_partition, currency, product_category,
             count(*) as transactions, count(*) filter (where is_fraud_flagged) as flagged, sum(amount) as amount,
             sum(tax_amount) as tax_amount, coalesce(sum(amount) filter (where is_fraud_flagged), 0) as flagged_amount
      from warehouse.transactions group by 1, 2, 3, 4
    ) facts
    full join warehouse.sales_by_minute s using (minute, source_partition, currency, product_category)
    where (facts.transactions, facts.flagged, facts.amount, facts.tax_amount, facts.flagged_amount)
      is distinct from (s.transactions, s.flagged, s.amount, s.tax_amount, s.flagged_amount)`,

  'a run is not the sum of its batches': `
    select r.id, r.status, r.batches, r.consumed, r.loaded, r.duplicate, r.dead_lettered
    from audit.pipeline_runs r
    left join audit.pipeline_batches b on b.run_id = r.id
    where r.status in ('succeeded', 'failed')
    group by r.id
    having (r.batches, r.consumed, r.loaded, r.duplicate, r.dead_lettered) is distinct from
      (count(b.batch_id), coalesce(sum(b.consumed), 0)::bigint, coalesce(sum(b.loaded), 0)::bigint,
       coalesce(sum(b.duplicate), 0)::bigint, coalesce(sum(b.dead_lettered), 0)::bigint)`,
} as const
