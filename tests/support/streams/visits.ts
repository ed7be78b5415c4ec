import { defineStream } from '../../../etl/stream/define.ts'
import { flag, instant, int, list, money, oneOf, text } from '../../../etl/stream/words.ts'

/**
 * A stream that has nothing of sales: an identity of two fields that is unique with its time, fields that may be
 * missing, no tax, no rollup. What the engine does with it, it does with any.
 */
export const visits = defineStream('visits', {
  title: 'visit',
  topic: { key: 'session' },
  fields: {
    session: text(40),
    page: text(200),
    at: instant({ column: 'visited_at' }),
    kind: oneOf(['view', 'search', 'purchase']),
    seconds: int({ min: 0, max: 86_400 }).optional(),
    note: text(20).optional(),
    basket: money().optional(),
    is_new: flag().default(false),
    tags: list(text(9)),
  },
  eventTime: 'at',
  partitionBy: 'month',
  identity: { once: ['session', 'page'], scope: 'event_time' },
  indexes: { session: { on: 'session' } },
})
