import { CHOSEN } from './currencies.ts'
import { sql } from './json.ts'
import { FRAUD_RATE } from './limits.ts'
import { above, table } from './panels.ts'
import { COUNT, MONEY, SHARE } from './units.ts'

const FLAGGED = { true: 'red', false: 'text' }

export const byCurrency = table({
  id: 9,
  title: 'Revenue and tax collected',
  description:
    'How much was sold and how much tax was collected, in each currency? Revenue is before tax. For the books ask the warehouse itself: a dashboard computes with floating-point numbers.',
  size: [12, 8],
  ...MONEY,
  noValue: '–',
  columns: {
    currency: { width: 90 },
    transactions: COUNT,
    'fraud rate': { ...SHARE, steps: above(FRAUD_RATE) },
  },
  sql: sql(`
    select currency, sum(transactions) as transactions, sum(amount) as revenue, sum(tax_amount) as tax,
           sum(amount) + sum(tax_amount) as "with tax", sum(flagged_amount) as "flagged amount",
           sum(flagged) / nullif(sum(transactions), 0) as "fraud rate"
    from warehouse.sales_by_minute
    where $__timeFilter(minute) and ${CHOSEN}
    group by currency
    order by sum(transactions) desc
    limit 200
  `),
})

export const recent = table({
  id: 14,
  title: 'Recent transactions',
  description:
    'What was sold last? To find one order or customer, ask the warehouse; this is the newest fifty of the time range.',
  size: [24, 10],
  unit: 'none',
  noValue: '–',
  columns: {
    time: { width: 190 },
    amount: MONEY,
    tax: MONEY,
    total: MONEY,
    flagged: { colors: FLAGGED },
  },
  sql: sql(`
    select transaction_timestamp as "time", order_id::text as "order", customer_id as customer,
           product_category as category, currency, amount, tax_amount as tax, total_amount as total,
           is_fraud_flagged::text as flagged
    from warehouse.transactions
    where $__timeFilter(transaction_timestamp) and ${CHOSEN}
    order by transaction_timestamp desc, order_id desc
    limit 50
  `),
})

export const flaggedTransactions = table({
  id: 15,
  title: 'Flagged transactions',
  description:
    'Which transactions look like fraud, and why? Start with the highest score; several of one customer are worth a call. The rules are in etl/stream/fraud-rules.ts.',
  size: [24, 10],
  unit: 'none',
  noValue: '–',
  columns: {
    time: { width: 190 },
    score: { width: 90, steps: ['text', [50, 'yellow'], [80, 'red']] },
    amount: MONEY,
  },
  sql: sql(`
    select transaction_timestamp as "time", fraud_score as score, array_to_string(fraud_reasons, '; ') as reasons,
           order_id::text as "order", customer_id as customer, product_category as category, currency, amount
    from warehouse.transactions
    where is_fraud_flagged and $__timeFilter(transaction_timestamp) and ${CHOSEN}
    order by transaction_timestamp desc, order_id desc
    limit 50
  `),
})
