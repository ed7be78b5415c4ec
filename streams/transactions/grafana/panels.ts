import { queryVariable } from '../../../scripts/grafana/dashboard.ts'
import {
  above,
  COUNT,
  MONEY,
  NEUTRAL,
  pie,
  SHARE,
  stat,
  table,
  TIME,
  timeSeries,
} from '../../../scripts/grafana/panels.ts'
import { FRAUD_RATE } from './settings.ts'

/** The choice of currencies at the top of a dashboard. */
export const currencyVariable = queryVariable({
  name: 'currency',
  label: 'Currency',
  description: 'Amounts of different currencies are never added up',
  sql: `
    select distinct currency from warehouse.sales_by_minute
    where $__timeFilter(minute)
    order by currency
  `,
})

/**
 * The chosen ones, as a condition. An array, so that a warehouse without any still gives valid SQL.
 * Counts may be added over them; money never is.
 */
export const CHOSEN = 'currency = any(array[${currency:sqlstring}]::text[])'

export const transactions24h = stat({
  id: 2,
  title: 'Transactions in 24 h',
  description:
    'How much was sold in the 24 hours up to the end of the time range? If far below yesterday: is the producer running, is the pipeline late (Pipeline dashboard)?',
  ...COUNT,
  noValue: '0',
  steps: NEUTRAL,
  sql: `
    select coalesce(sum(transactions), 0) as transactions
    from warehouse.sales_by_minute
    where minute > $__timeTo()::timestamptz - interval '24 hours' and minute <= $__timeTo()::timestamptz
      and ${CHOSEN}
  `,
})

export const perMinute = stat({
  id: 3,
  title: 'Transactions per minute',
  description:
    'How busy is the shop on average over the time range? Compare with another range; a sudden fall is worth a look at the Pipeline dashboard.',
  unit: 'locale',
  decimals: 1,
  noValue: '0',
  steps: NEUTRAL,
  sql: `
    select coalesce(sum(transactions), 0) * 60
           / extract(epoch from $__timeTo()::timestamptz - $__timeFrom()::timestamptz) as per_minute
    from warehouse.sales_by_minute
    where $__timeFilter(minute) and ${CHOSEN}
  `,
})

export const fraudRate = stat({
  id: 4,
  title: 'Fraud rate',
  description:
    'What share of the transactions did a fraud rule flag? Yellow or red: look at the flagged transactions below for one customer, category or reason that stands out.',
  ...SHARE,
  noValue: 'no sales',
  steps: above(FRAUD_RATE),
  sql: `
    select sum(flagged) / nullif(sum(transactions), 0) as fraud_rate
    from warehouse.sales_by_minute
    where $__timeFilter(minute) and ${CHOSEN}
  `,
})

export const flagged = stat({
  id: 5,
  title: 'Transactions flagged',
  description:
    'How many transactions wait for somebody to look at them? They are listed below, newest first.',
  ...COUNT,
  noValue: '0',
  steps: NEUTRAL,
  sql: `
    select coalesce(sum(flagged), 0) as flagged
    from warehouse.sales_by_minute
    where $__timeFilter(minute) and ${CHOSEN}
  `,
})

// Over time the sums are made by minute first: Grafana's macro computes a point's time with numerics, which
// is too slow to do for each row of the rollup.

export const transactionsOverTime = timeSeries({
  id: 6,
  title: 'Transactions per minute over time',
  description:
    'When do people buy? A gap while the shop was open means that nothing was produced or nothing loaded: check the Pipeline dashboard. The last point is still filling up.',
  unit: 'locale',
  noValue: 'no sales in this time range',
  sql: `
    select $__timeGroupAlias(minute, $__interval, 0), sum(transactions) * 60000.0 / $__interval_ms as transactions
    from (
      select minute, sum(transactions) as transactions from warehouse.sales_by_minute
      where $__timeFilter(minute) and ${CHOSEN}
      group by minute
    ) minutes
    group by 1
    order by 1
  `,
})

export const fraudRateOverTime = timeSeries({
  id: 7,
  title: 'Fraud rate over time',
  description:
    'Is fraud rising? The dashed lines are where it is worth watching and where the alert PulseFraudRateHigh fires (over half an hour). Above: filter by currency, then look at the flagged transactions.',
  unit: 'percentunit',
  noValue: 'no sales in this time range',
  steps: above(FRAUD_RATE),
  sql: `
    select $__timeGroupAlias(minute, $__interval), sum(flagged) / nullif(sum(transactions), 0) as "fraud rate"
    from (
      select minute, sum(flagged) as flagged, sum(transactions) as transactions from warehouse.sales_by_minute
      where $__timeFilter(minute) and ${CHOSEN}
      group by minute
    ) minutes
    group by 1
    order by 1
  `,
})

export const revenueOverTime = timeSeries({
  id: 10,
  title: 'Revenue per minute',
  description:
    'How does revenue develop, in each currency, before tax? A currency that stops while others go on: has its shop or its payment provider a problem?',
  ...MONEY,
  noValue: 'no sales in this time range',
  sql: `
    select $__timeGroupAlias(minute, $__interval, 0), currency as metric, sum(amount) * 60000.0 / $__interval_ms as revenue
    from (
      select minute, currency, sum(amount) as amount from warehouse.sales_by_minute
      where $__timeFilter(minute) and ${CHOSEN}
      group by minute, currency
    ) minutes
    group by 1, 2
    order by 1, 2
  `,
})

export const revenueByCategory = pie({
  id: 12,
  title: 'Revenue by category, $currency',
  description:
    'Which categories bring the money, in this currency? The eleven largest and the rest. An unknown name here is a producer that sends a new category.',
  size: [8, 8],
  repeat: 'currency',
  ...MONEY,
  noValue: 'no sales in this time range',
  // One currency only, also where the panel is shown without its repetition.
  sql: `
    select case when rank <= 11 then category else 'all others' end as category, sum(revenue) as revenue
    from (
      select product_category as category, sum(amount) as revenue,
             row_number() over (order by sum(amount) desc, product_category) as rank
      from warehouse.sales_by_minute
      where $__timeFilter(minute) and currency = (array[\${currency:sqlstring}]::text[])[1]
      group by product_category
    ) ranked
    group by 1
    order by min(rank)
  `,
})

const FLAGGED = { true: 'red', false: 'text' }

export const byCurrency = table({
  id: 9,
  title: 'Revenue and tax collected',
  description:
    'How much was sold and how much tax was collected, in each currency? Revenue is before tax. For the books ask the warehouse itself: a dashboard computes with floating-point numbers.',
  size: [12, 8],
  ...MONEY,
  columns: {
    currency: { width: 90 },
    transactions: COUNT,
    'fraud rate': { ...SHARE, steps: above(FRAUD_RATE) },
  },
  sql: `
    select currency, sum(transactions) as transactions, sum(amount) as revenue, sum(tax_amount) as tax,
           sum(amount) + sum(tax_amount) as "with tax", sum(flagged_amount) as "flagged amount",
           sum(flagged) / nullif(sum(transactions), 0) as "fraud rate"
    from warehouse.sales_by_minute
    where $__timeFilter(minute) and ${CHOSEN}
    group by currency
    order by sum(transactions) desc
    limit 200
  `,
})

export const recent = table({
  id: 14,
  title: 'Recent transactions',
  description:
    'What was sold last? To find one order or customer, ask the warehouse; this is the newest fifty of the time range.',
  size: [24, 10],
  columns: {
    time: TIME,
    amount: MONEY,
    tax: MONEY,
    total: MONEY,
    flagged: { colors: FLAGGED },
  },
  sql: `
    select transaction_timestamp as "time", order_id::text as "order", customer_id as customer,
           product_category as category, currency, amount, tax_amount as tax, total_amount as total,
           is_fraud_flagged::text as flagged
    from warehouse.transactions
    where $__timeFilter(transaction_timestamp) and ${CHOSEN}
    order by transaction_timestamp desc, order_id desc
    limit 50
  `,
})

export const flaggedTransactions = table({
  id: 15,
  title: 'Flagged transactions',
  description:
    'Which transactions look like fraud, and why? Start with the highest score; several of one customer are worth a call. The rules are in etl/stream/fraud-rules.ts.',
  size: [24, 10],
  columns: {
    time: TIME,
    score: { width: 90, steps: ['text', [50, 'yellow'], [80, 'red']] },
    amount: MONEY,
  },
  sql: `
    select transaction_timestamp as "time", fraud_score as score, array_to_string(fraud_reasons, '; ') as reasons,
           order_id::text as "order", customer_id as customer, product_category as category, currency, amount
    from warehouse.transactions
    where is_fraud_flagged and $__timeFilter(transaction_timestamp) and ${CHOSEN}
    order by transaction_timestamp desc, order_id desc
    limit 50
  `,
})
