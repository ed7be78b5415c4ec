import { defineStream } from '../../../etl/stream/define.ts'
import { count, instant, oneOf, text, uuid } from '../../../etl/stream/words.ts'

/** Many and short-lived: by day, kept 90 days, as small as can be. */
export const clicks = defineStream('clicks', {
  title: 'click',
  topic: { key: 'session', retention: '3 days' },
  fields: {
    click_id: uuid(),
    at: instant({ epoch: 'us' }),
    session: text(40),
    kind: oneOf(['view', 'cart', 'buy']),
    page: text(200).optional(),
  },
  eventTime: 'at',
  partitionBy: 'day',
  maxAge: '30 days',
  keep: '90 days',
  lineage: 'origin',
  identity: { once: 'click_id', scope: 'event_time' },
  rollups: { clicks_by_hour: { every: 'hour', by: ['kind'], measures: { clicks: count() } } },
})
