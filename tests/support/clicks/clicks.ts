import { defineStream } from '../../../etl/stream/define.ts'
import { count, flag, instant, int, oneOf, sum, text } from '../../../etl/stream/words.ts'

/** Clicks that nothing tells apart: each record is one. */
export const clicks = defineStream('clicks', {
  title: 'click',
  topic: { key: 'session' },
  fields: { session: text(40), kind: oneOf(['view', 'cart']), seconds: int({ min: 0 }), at: instant() },
  eventTime: 'at',
  partitionBy: 'day',
  maxAge: '60 days',
  keep: '80 days',
  lineage: 'origin',
  identity: { each: 'record' },
  derived: { is_long: flag() },
  rules: (): { readonly limit: number } => ({ limit: 10 }),
  derive: ({ seconds }, { limit }) => ({ is_long: seconds > limit }),
  rollups: {
    clicks_by_hour: {
      every: 'hour',
      by: ['kind'],
      measures: { clicks: count(), long: count({ where: 'is_long' }), seconds: sum('seconds') },
    },
  },
  invariants: { long: { rule: 'no click takes a day', holds: 'seconds < 86400', shows: ['seconds'] } },
})
