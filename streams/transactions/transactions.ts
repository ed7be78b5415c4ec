import {
  count,
  currencyCode,
  decimalSetting,
  defineStream,
  flag,
  instant,
  list,
  money,
  percent,
  sum,
  text,
  uuid,
} from 'global-sales-pulse/streams'
import { assess, checkedFraudRules, FRAUD_RULES } from './fraud-rules.ts'
import { taxCents, taxRate } from './tax.ts'

/** Sales: each order happens once. */
export const transactions = defineStream('transactions', {
  title: 'transaction',
  topic: { key: 'customer_id' },
  fields: {
    order_id: uuid(),
    amount: money(),
    currency: currencyCode(),
    timestamp: instant({ column: 'transaction_timestamp' }),
    customer_id: text(50),
    product_category: text(50),
  },
  eventTime: 'timestamp',
  partitionBy: 'month',
  identity: { once: 'order_id', title: 'order', scope: 'warehouse', keys: 'order_keys' },
  indexes: {
    customer: { on: 'customer_id' },
    flagged: { on: 'timestamp', where: 'is_fraud_flagged' },
  },
  derived: {
    tax_amount: money(),
    total_amount: money({ digits: 14 }),
    is_fraud_flagged: flag(),
    fraud_score: percent(),
    fraud_reasons: list(text(200)),
  },
  environment: { TAX_RATE: decimalSetting(0, 1).default(0.085) },
  rules: ({ TAX_RATE }) => ({ rate: taxRate(TAX_RATE), fraudRules: checkedFraudRules(FRAUD_RULES) }),
  derive: (sale, { rate, fraudRules }) => {
    const tax = taxCents(sale.amount, rate)
    return { tax_amount: tax, total_amount: sale.amount + tax, ...assess(sale, fraudRules) }
  },
  rollups: {
    sales_by_minute: {
      every: 'minute',
      by: ['currency', 'product_category'],
      measures: {
        transactions: count(),
        flagged: count({ where: 'is_fraud_flagged' }),
        amount: sum('amount'),
        tax_amount: sum('tax_amount'),
        flagged_amount: sum('amount', { where: 'is_fraud_flagged' }),
      },
    },
  },
  invariants: {
    amounts: {
      rule: 'the total of each fact is its amount and its tax',
      holds: 'total_amount = amount + tax_amount',
      shows: ['total_amount', 'amount', 'tax_amount'],
    },
  },
  replayFigures: {
    flagged: count({ where: 'is_fraud_flagged' }),
    tax: { ...sum('tax_amount'), by: 'currency' },
  },
})
