import { defineStream } from '../../../etl/stream/define.ts'
import { count, currencyCode, instant, int, money, oneOf, rows, text } from '../../../etl/stream/words.ts'

/** Somebody's orders: nested, with lines, amounts as decimal strings, epoch milliseconds; the same order again with a new status. */
export const orders = defineStream('orders', {
  title: 'order',
  topic: { key: 'number' },
  fields: {
    number: text(30, { at: 'order.number' }),
    status: oneOf(['placed', 'paid', 'shipped'], { at: 'order.status' }),
    changed: instant({ epoch: 'ms', at: 'order.changedAt', column: 'changed_at' }),
    currency: currencyCode({ at: 'order.total.currency' }),
    total: money({ text: true, min: 0, at: 'order.total.amount' }),
    customer: text(40, { at: 'customer.id' }).optional(),
    lines: rows({
      sku: text(20),
      quantity: int({ min: 1 }),
      price: money({ text: true, min: 0 }),
    }),
  },
  eventTime: 'changed',
  identity: { latest: 'number', by: 'changed' },
  rollups: { orders_by_day: { every: 'day', by: ['status'], measures: { orders: count() } } },
})
