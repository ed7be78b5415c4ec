import { day, defineStream, flag, instant, int, oneOf, text } from 'global-sales-pulse/streams'

/** Who buys: the newest version of a customer is what is known now. */
export const customers = defineStream('customers', {
  title: 'customer',
  topic: { key: 'customer_id', compact: true },
  fields: {
    customer_id: text(50),
    version: int({ min: 0 }),
    name: text(200, { personal: true }),
    tier: oneOf(['standard', 'silver', 'gold']),
    country: text(2),
    since: day(),
    has_left: flag().default(false),
    timestamp: instant({ column: 'changed_at' }),
  },
  eventTime: 'timestamp',
  identity: { latest: 'customer_id', by: 'version', deletedWhen: 'has_left' },
})
