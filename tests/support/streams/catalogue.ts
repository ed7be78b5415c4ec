import { defineStream } from '../../../etl/stream/define.ts'
import { instant, key, money, text } from '../../../etl/stream/words.ts'

/** A compacted topic without versions: the later record counts, and one without a value deletes. */
export const catalogue = defineStream('catalogue', {
  title: 'article',
  topic: { key: 'sku', compact: true },
  fields: { sku: text(20, { at: key() }), name: text(100), price: money(), at: instant() },
  eventTime: 'at',
  identity: { latest: 'sku', by: 'log' },
})
