import { CHOSEN } from './currencies.ts'
import { sql } from './json.ts'
import { FRAUD_RATE } from './limits.ts'
import { above, pie, timeSeries } from './panels.ts'
import { MONEY } from './units.ts'

// Over time the sums are made by minute first: Grafana's macro computes a point's time with numerics, which
// is too slow to do for each row of the rollup.

/** The alert on the fraud rate opens it. */
export const FRAUD_RATE_PANEL = 7

export const transactionsOverTime = timeSeries({
  id: 6,
  title: 'Transactions per minute over time',
  description:
    'When do people buy? A gap while the shop was open means that nothing was produced or nothing loaded: check the Pipeline dashboard. The last point is still filling up.',
  size: [12, 8],
  unit: 'locale',
  noValue: 'no sales in this time range',
  sql: sql(`
    select $__timeGroupAlias(minute, $__interval, 0), sum(transactions) * 60000.0 / $__interval_ms as transactions
    from (
      select minute, sum(transactions) as transactions from warehouse.sales_by_minute
      where $__timeFilter(minute) and ${CHOSEN}
      group by minute
    ) minutes
    group by 1
    order by 1
  `),
})

export const fraudRateOverTime = timeSeries({
  id: FRAUD_RATE_PANEL,
  title: 'Fraud rate over time',
  description:
    'Is fraud rising? The dashed lines are where it is worth watching and where the alert PulseFraudRateHigh fires (over half an hour). Above: filter by currency, then look at the flagged transactions.',
  size: [12, 8],
  unit: 'percentunit',
  noValue: 'no sales in this time range',
  steps: above(FRAUD_RATE),
  sql: sql(`
    select $__timeGroupAlias(minute, $__interval), sum(flagged) / nullif(sum(transactions), 0) as "fraud rate"
    from (
      select minute, sum(flagged) as flagged, sum(transactions) as transactions from warehouse.sales_by_minute
      where $__timeFilter(minute) and ${CHOSEN}
      group by minute
    ) minutes
    group by 1
    order by 1
  `),
})

export const revenueOverTime = timeSeries({
  id: 10,
  title: 'Revenue per minute',
  description:
    'How does revenue develop, in each currency, before tax? A currency that stops while others go on: has its shop or its payment provider a problem?',
  size: [12, 8],
  ...MONEY,
  noValue: 'no sales in this time range',
  sql: sql(`
    select $__timeGroupAlias(minute, $__interval, 0), currency as metric, sum(amount) * 60000.0 / $__interval_ms as revenue
    from (
      select minute, currency, sum(amount) as amount from warehouse.sales_by_minute
      where $__timeFilter(minute) and ${CHOSEN}
      group by minute, currency
    ) minutes
    group by 1, 2
    order by 1, 2
  `),
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
  sql: sql(`
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
  `),
})
