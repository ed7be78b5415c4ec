import { count, defineStream, instant, oneOf, text, uuid } from 'global-sales-pulse/streams'

/** What visitors do: many and short-lived, so by day, and an id is unique together with its time. */
export const siteEvents = defineStream('site_events', {
  title: 'site event',
  topic: { key: 'session_id', retention: '3 days' },
  fields: {
    event_id: uuid(),
    timestamp: instant({ column: 'occurred_at' }),
    kind: oneOf(['view', 'search', 'cart', 'checkout', 'purchase']),
    session_id: text(64),
    customer_id: text(50).optional(),
    product_id: text(20).optional(),
  },
  eventTime: 'timestamp',
  maxAge: '30 days',
  partitionBy: 'day',
  keep: '90 days',
  lineage: 'origin',
  identity: { once: 'event_id', title: 'event', scope: 'event_time' },
  rollups: {
    site_events_by_hour: { every: 'hour', by: ['kind'], measures: { events: count() } },
  },
})
