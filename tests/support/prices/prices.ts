import { defineStream } from '../../../etl/stream/define.ts'
import { count, instant, key, money, sum, text } from '../../../etl/stream/words.ts'

/** Prices on a topic without versions: the later record of a key is the newer one, and one without a value deletes. */
export const prices = defineStream('prices', {
  title: 'price',
  topic: { key: 'sku' },
  fields: { sku: text(20, { at: key() }), price: money(), at: instant() },
  eventTime: 'at',
  identity: { latest: 'sku', by: 'log' },
  rollups: { prices_by_day: { every: 'day', by: [], measures: { prices: count(), price: sum('price') } } },
})
