import { defineStream } from '../../etl/stream/define.ts'
import {
  currencyCode,
  flag,
  instant,
  int,
  money,
  oneOf,
  rows,
  sum,
  text,
  count,
} from '../../etl/stream/words.ts'

/** Orders whose status changes, with lines that change with it: the newest version counts. */
export const purchases = defineStream('purchases', {
  title: 'purchase',
  topic: { key: 'number' },
  fields: {
    number: text(20),
    version: int({ min: 1 }),
    status: oneOf(['placed', 'paid', 'sent']),
    currency: currencyCode(),
    changed: instant({ column: 'changed_at', epoch: 'ms' }),
    is_cancelled: flag().default(false),
    lines: rows({
      sku: text(20, { at: 'item.sku' }),
      quantity: int({ min: 1 }),
      price: money({ of: 'currency' }),
    }),
  },
  eventTime: 'changed',
  identity: { latest: 'number', by: 'version', deletedWhen: 'is_cancelled' },
  derived: { pieces: int() },
  derive: ({ lines }) => ({ pieces: lines.reduce((all, { quantity }) => all + quantity, 0) }),
  rollups: {
    purchases_by_day: {
      every: 'day',
      by: ['status'],
      measures: { purchases: count(), pieces: sum('pieces') },
    },
  },
})
