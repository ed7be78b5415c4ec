import { CHOSEN } from './currencies.ts'
import { sql } from './json.ts'
import { FRAUD_RATE } from './limits.ts'
import { above, NEUTRAL, stat } from './panels.ts'
import { COUNT, SHARE } from './units.ts'

export const transactions24h = stat({
  id: 2,
  title: 'Transactions in 24 h',
  description:
    'How much was sold in the 24 hours up to the end of the time range? If far below yesterday: is the producer running, is the pipeline late (Pipeline dashboard)?',
  size: [6, 4],
  ...COUNT,
  noValue: '0',
  steps: NEUTRAL,
  sql: sql(`
    select coalesce(sum(transactions), 0) as transactions
    from warehouse.sales_by_minute
    where minute > $__timeTo()::timestamptz - interval '24 hours' and minute <= $__timeTo()::timestamptz
      and ${CHOSEN}
  `),
})

export const perMinute = stat({
  id: 3,
  title: 'Transactions per minute',
  description:
    'How busy is the shop on average over the time range? Compare with another range; a sudden fall is worth a look at the Pipeline dashboard.',
  size: [6, 4],
  unit: 'locale',
  decimals: 1,
  noValue: '0',
  steps: NEUTRAL,
  sql: sql(`
    select coalesce(sum(transactions), 0) * 60
           / extract(epoch from $__timeTo()::timestamptz - $__timeFrom()::timestamptz) as per_minute
    from warehouse.sales_by_minute
    where $__timeFilter(minute) and ${CHOSEN}
  `),
})

export const fraudRate = stat({
  id: 4,
  title: 'Fraud rate',
  description:
    'What share of the transactions did a fraud rule flag? Yellow or red: look at the flagged transactions below for one customer, category or reason that stands out.',
  size: [6, 4],
  ...SHARE,
  noValue: 'no sales',
  steps: above(FRAUD_RATE),
  sql: sql(`
    select sum(flagged) / nullif(sum(transactions), 0) as fraud_rate
    from warehouse.sales_by_minute
    where $__timeFilter(minute) and ${CHOSEN}
  `),
})

export const flagged = stat({
  id: 5,
  title: 'Transactions flagged',
  description:
    'How many transactions wait for somebody to look at them? They are listed below, newest first.',
  size: [6, 4],
  ...COUNT,
  noValue: '0',
  steps: NEUTRAL,
  sql: sql(`
    select coalesce(sum(flagged), 0) as flagged
    from warehouse.sales_by_minute
    where $__timeFilter(minute) and ${CHOSEN}
  `),
})
