import { defineStream } from '../../../etl/stream/define.ts'
import { count, flag, instant, int, money, oneOf, sum, text } from '../../../etl/stream/words.ts'

/** Goods of a shop whose prices change: what counts is the newest version of each. */
export const goods = defineStream('goods', {
  title: 'product',
  topic: { key: 'product_id' },
  fields: {
    product_id: text(20),
    version: int({ min: 0 }),
    name: text(50),
    category: oneOf(['food', 'tools']),
    price: money(),
    note: text(20).optional(),
    is_gone: flag().default(false),
    updated_at: instant({ column: 'changed_at' }),
  },
  eventTime: 'updated_at',
  identity: { latest: 'product_id', by: 'version', deletedWhen: 'is_gone' },
  indexes: { category: { on: 'category' } },
  derived: { gross: money({ digits: 14 }) },
  rules: (): { readonly percent: number } => ({ percent: 10 }),
  derive: ({ price }, { percent }) => ({ gross: price + Math.round((price * percent) / 100) }),
  rollups: {
    goods_by_day: {
      every: 'day',
      by: ['category'],
      measures: { goods: count(), price: sum('price'), gross: sum('gross') },
    },
  },
  invariants: {
    gross: { rule: 'gross is more than net', holds: 'gross >= price', shows: ['gross', 'price'] },
  },
})
