import { defineStream } from '../../../etl/stream/define.ts'
import { instant, int, text } from '../../../etl/stream/words.ts'

/** Badges at doors: an identity of two fields, unique together with its time. */
export const scans = defineStream('scans', {
  title: 'scan',
  topic: { key: 'badge' },
  fields: { badge: text(10), door: int(), at: instant(), who: text(40, { personal: true }).optional() },
  eventTime: 'at',
  partitionBy: 'month',
  identity: { once: ['badge', 'door'], scope: 'event_time' },
})
