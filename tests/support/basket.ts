import { defineStream } from '../../etl/stream/define.ts'
import {
  count,
  currencyCode,
  day,
  flag,
  instant,
  int,
  json,
  list,
  money,
  oneOf,
  rows,
  sum,
  text,
  uuid,
} from '../../etl/stream/words.ts'

/** Orders as a shop sends them: nested, with lines of their own that have every kind of value. */
export const baskets = defineStream('baskets', {
  title: 'basket',
  topic: { key: 'customer' },
  fields: {
    basket_id: uuid({ at: 'order.id' }),
    at: instant({ column: 'ordered_at' }),
    customer: text(40),
    currency: currencyCode(),
    items: rows(
      {
        sku: text(20, { at: 'product.sku' }),
        quantity: int({ min: 1, max: 1_000 }),
        price: money({ of: 'currency', at: 'product.price' }),
        weight: money({ column: 'kilos' }).optional(),
        is_gift: flag().default(false),
        kind: oneOf(['book', 'toy']).optional(),
        due: day().optional(),
        packed: instant().optional(),
        tags: list(text(9)).optional(),
        extra: json({ maxBytes: 100 }).optional(),
        line_uuid: uuid().optional(),
      },
      { max: 1_200 },
    ),
    discounts: rows({
      code: text(10),
      currency: currencyCode({ column: 'iso' }),
      amount: money({ of: 'currency' }),
    }).optional(),
  },
  eventTime: 'at',
  partitionBy: 'month',
  identity: { once: 'basket_id', scope: 'warehouse', keys: 'basket_keys' },
  derived: { pieces: int() },
  derive: ({ items }) => ({ pieces: items.reduce((all, { quantity }) => all + quantity, 0) }),
  rollups: {
    baskets_by_day: { every: 'day', by: ['currency'], measures: { baskets: count(), pieces: sum('pieces') } },
  },
})
