import { defineStream, instant, int, money, oneOf, text } from 'global-sales-pulse/streams'

/** The catalogue: the newest version of a product is what it costs now. */
export const products = defineStream('products', {
  title: 'product',
  topic: { key: 'product_id', compact: true },
  fields: {
    product_id: text(20),
    version: int({ min: 0 }),
    name: text(200),
    category: text(50),
    price: money(),
    status: oneOf(['active', 'discontinued']),
    timestamp: instant({ column: 'changed_at' }),
  },
  eventTime: 'timestamp',
  identity: { latest: 'product_id', by: 'version' },
})
