/** 80,000 sales of two months, half of them of the last day, and their rollup: for `fillHistory`. */
export const salesHistory = (): string[] => [
  `select audit.ensure_partition('transactions', now() - make_interval(months => n)) from generate_series(0, 3) n`,
  FACTS,
  ROLLUP,
]

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
