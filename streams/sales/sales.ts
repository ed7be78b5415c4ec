import {
  count,
  currencyCode,
  defineStream,
  instant,
  int,
  money,
  oneOf,
  sum,
  text,
  uuid,
} from 'global-sales-pulse/streams'

/** How a sale goes on: pending, then completed or failed, and some that were completed are refunded. */
export const sales = defineStream('sales', {
  title: 'sale',
  topic: { name: 'sales-events', key: 'transaction_id' },
  fields: {
    transaction_id: uuid(),
    version: int({ min: 1 }),
    customer_id: text(50),
    product_id: text(20),
    quantity: int({ min: 1, max: 1_000 }),
    unit_price: money(),
    amount: money(),
    currency: currencyCode(),
    payment_method: oneOf(['card', 'paypal', 'bank_transfer', 'voucher']),
    status: oneOf(['pending', 'completed', 'failed', 'refunded']),
    timestamp: instant({ column: 'changed_at' }),
  },
  eventTime: 'timestamp',
  identity: { latest: 'transaction_id', by: 'version' },
  rollups: {
    sales_by_day: {
      every: 'day',
      by: ['currency', 'status'],
      measures: { sales: count(), quantity: sum('quantity'), amount: sum('amount') },
    },
  },
})
